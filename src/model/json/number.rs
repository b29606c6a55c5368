//! Numbers: Python's text of a float and comparing integers of any size with floats.

/// An integer as the nearest float, as Python's `float(int)`.
#[expect(clippy::cast_precision_loss, reason = "rounding to nearest is what is asked for")]
pub(super) const fn int_as_f64(value: i64) -> f64 {
    value as f64
}

/// Only decimals of about 16 digits lie closer than the floats around them; this is the length of
/// `{:e}` text that they have at least.
const TIES_FROM: usize = 17;

/// The shortest decimal that reads back as the float: sign, digits without trailing zeros, and the
/// power of ten of the first digit. Zero has the digit `0`.
pub(super) struct Decimal {
    pub(super) negative: bool,
    pub(super) digits: String,
    pub(super) exponent: i32,
}

impl Decimal {
    /// `None` for `NaN` and the infinities.
    pub(super) fn of(value: f64) -> Option<Self> {
        if !value.is_finite() {
            return None;
        }
        let mut text = format!("{:e}", value.abs());
        // Two shortest decimals may be equally near; Python takes the even one, Rust the upper.
        if text.len() >= TIES_FROM {
            let places = text.bytes().take_while(|byte| *byte != b'e').count() - 2;
            let even = format!("{:.places$e}", value.abs());
            if even.parse() == Ok(value.abs()) {
                text = even;
            }
        }
        let (mantissa, exponent) = text.split_once('e')?;
        let digits = mantissa.replace('.', "");
        Some(Self { negative: value.is_sign_negative(), digits, exponent: exponent.parse().ok()? })
    }

    /// Positional notation; at least one digit on either side of the point unless `bare_integer`.
    pub(super) fn positional(&self, bare_integer: bool) -> String {
        let mut text = String::with_capacity(self.digits.len() + 8);
        if self.negative {
            text.push('-');
        }
        let whole = usize::try_from(self.exponent + 1).unwrap_or(0);
        if whole == 0 {
            text.push_str("0.");
            let zeros = usize::try_from(-self.exponent - 1).unwrap_or(0);
            text.extend(std::iter::repeat_n('0', zeros));
            text.push_str(&self.digits);
        } else if self.digits.len() > whole {
            text.push_str(&self.digits[..whole]);
            text.push('.');
            text.push_str(&self.digits[whole..]);
        } else {
            text.push_str(&self.digits);
            text.extend(std::iter::repeat_n('0', whole - self.digits.len()));
            if !bare_integer {
                text.push_str(".0");
            }
        }
        text
    }

    /// One digit before the point and an exponent of at least two digits: `1.5e+16`.
    pub(super) fn scientific(&self) -> String {
        let sign = if self.negative { "-" } else { "" };
        let (first, rest) = self.digits.split_at(1);
        let point = if rest.is_empty() { "" } else { "." };
        let exponent_sign = if self.exponent < 0 { '-' } else { '+' };
        format!("{sign}{first}{point}{rest}e{exponent_sign}{:02}", self.exponent.unsigned_abs())
    }

    fn is_integer(&self) -> bool {
        i64::from(self.exponent) + 1 >= i64::try_from(self.digits.len()).unwrap_or(i64::MAX)
    }

    pub(super) fn in_scientific_notation(&self) -> bool {
        !(-4..16).contains(&self.exponent)
    }
}

/// Python's `repr(float)`: `100.0`, `1e+16`, `1e-05`, `-0.0`, `nan`, `inf`.
pub fn float_repr(value: f64) -> String {
    let Some(decimal) = Decimal::of(value) else {
        return match value {
            _ if value.is_nan() => "nan".to_owned(),
            _ if value > 0.0 => "inf".to_owned(),
            _ => "-inf".to_owned(),
        };
    };
    if !decimal.in_scientific_notation() {
        return decimal.positional(false);
    }
    decimal.scientific()
}

/// Whether an integer equals a float by exact value, as Python compares them.
pub(super) fn int_equals_float_exactly(int: i64, float: f64) -> bool {
    // A float equal to `int as f64` can still differ from `int` beyond 2^53; widening is exact.
    int_as_f64(int) == float && format!("{float:.0}") == int.to_string() || int == 0 && float == 0.0
}

/// Whether the digits of an integer equal a float by exact value.
pub(super) fn big_equals_float_exactly(digits: &str, float: f64) -> bool {
    float.is_finite() && float.fract() == 0.0 && format!("{float:.0}") == digits
}

/// Whether the digits of an integer equal the decimal that PostgreSQL keeps of a float.
pub(super) fn digits_equal_float_text(digits: &str, float: f64) -> bool {
    Decimal::of(float).is_some_and(|decimal| {
        decimal.is_integer()
            && if float == 0.0 { digits == "0" } else { decimal.positional(true) == digits }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_read_as_in_python() {
        let vectors = [
            (100.0, "100.0"),
            (1e2, "100.0"),
            (0.1, "0.1"),
            (-0.0, "-0.0"),
            (0.0, "0.0"),
            (1e16, "1e+16"),
            (9_999_999_999_999_998.0, "9999999999999998.0"),
            (123_456_789_012_345_680.0, "1.2345678901234568e+17"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (0.000_012_3, "1.23e-05"),
            (1e-300, "1e-300"),
            (5e-324, "5e-324"),
            (1.797_693_134_862_315_7e308, "1.7976931348623157e+308"),
            (2.5, "2.5"),
            (f64::NAN, "nan"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (1e22, "1e+22"),
            (5e15, "5000000000000000.0"),
            (2_737_645_020_203_465.0 / 4.0, "684411255050866.2"),
            (2_737_645_020_203_467.0 / 4.0, "684411255050866.8"),
        ];
        for (value, text) in vectors {
            assert_eq!(float_repr(value), text);
        }
    }

    #[test]
    fn integers_equal_floats_by_exact_value() {
        assert!(int_equals_float_exactly(1, 1.0));
        assert!(int_equals_float_exactly(0, -0.0));
        assert!(int_equals_float_exactly(1 << 53, 9_007_199_254_740_992.0));
        assert!(!int_equals_float_exactly((1 << 53) + 1, 9_007_199_254_740_992.0));
        assert!(!int_equals_float_exactly(i64::MAX, 9_223_372_036_854_775_807.0));
        assert!(!big_equals_float_exactly("100000000000000000000000", 1e23));
        assert!(big_equals_float_exactly("99999999999999991611392", 1e23));
        assert!(digits_equal_float_text("100000000000000000000000", 1e23));
        assert!(digits_equal_float_text("-5", -5.0));
        assert!(!digits_equal_float_text("5", 5.5));
    }
}
