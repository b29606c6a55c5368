//! The text format that Prometheus reads (version 0.0.4): families of samples with help and type,
//! labels escaped.

use std::fmt::{Display, Write};
use std::time::Duration;

/// What `Content-Type` says of the format.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Upper bounds of the buckets of durations, in seconds.
const BOUNDS: [f64; 11] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Text under construction.
#[derive(Debug, Default)]
pub struct Exposition(String);

/// How a metric behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only rises.
    Counter,
    /// Rises and falls.
    Gauge,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
        }
    }
}

/// Durations by bucket.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Histogram {
    buckets: [u64; BOUNDS.len()],
    count: u64,
    sum: Duration,
}

impl Histogram {
    /// Counts one duration.
    pub fn observe(&mut self, duration: Duration) {
        self.count += 1;
        self.sum += duration;
        let seconds = duration.as_secs_f64();
        if let Some(bucket) = BOUNDS.iter().position(|bound| seconds <= *bound) {
            self.buckets[bucket] += 1;
        }
    }
}

/// A label with its value.
pub type Label<'a> = (&'static str, &'a str);

impl Exposition {
    /// A family of samples. One without samples leaves no trace.
    pub fn family<'l, V: Display>(
        &mut self,
        name: &str,
        kind: Kind,
        help: &str,
        samples: impl IntoIterator<Item = (Vec<Label<'l>>, V)>,
    ) {
        let mut samples = samples.into_iter().peekable();
        if samples.peek().is_none() {
            return;
        }
        self.head(name, kind.name(), help);
        for (labels, value) in samples {
            self.sample(name, &labels, &value);
        }
    }

    /// A metric with one value and no labels; none without a value.
    pub fn single(&mut self, name: &str, kind: Kind, help: &str, value: Option<impl Display>) {
        self.family(name, kind, help, value.map(|value| (Vec::new(), value)));
    }

    /// A histogram of durations.
    pub fn histogram(&mut self, name: &str, help: &str, histogram: &Histogram) {
        self.head(name, "histogram", help);
        let mut below = 0;
        for (bound, count) in BOUNDS.iter().zip(histogram.buckets) {
            below += count;
            self.sample(&format!("{name}_bucket"), &[("le", &bound.to_string())], &below);
        }
        self.sample(&format!("{name}_bucket"), &[("le", "+Inf")], &histogram.count);
        self.sample(&format!("{name}_sum"), &[], &histogram.sum.as_secs_f64());
        self.sample(&format!("{name}_count"), &[], &histogram.count);
    }

    /// The text.
    pub fn finish(self) -> String {
        self.0
    }

    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        self.write(format_args!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
    }

    fn sample(&mut self, name: &str, labels: &[Label<'_>], value: &dyn Display) {
        self.0.push_str(name);
        for (index, (label, text)) in labels.iter().enumerate() {
            let before = if index == 0 { '{' } else { ',' };
            self.write(format_args!("{before}{label}=\"{}\"", escaped(text)));
        }
        let close = if labels.is_empty() { "" } else { "}" };
        self.write(format_args!("{close} {value}\n"));
    }

    fn write(&mut self, text: std::fmt::Arguments<'_>) {
        self.0.write_fmt(text).expect("writing to a string never fails");
    }
}

/// A label's value between quotes: text from the chain must not end the line or the quotes.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_cannot_break_the_format() {
        let mut text = Exposition::default();
        let hostile = "a\"} 1\nevil{b=\"\\";
        text.family("x_total", Kind::Counter, "Help \\ with\nall.", [(vec![("of", hostile)], 2)]);
        assert_eq!(
            text.finish(),
            "# HELP x_total Help \\\\ with\\nall.\n# TYPE x_total counter\n\
             x_total{of=\"a\\\"} 1\\nevil{b=\\\"\\\\\"} 2\n"
        );
    }

    #[test]
    fn a_family_without_samples_is_left_out() {
        let mut text = Exposition::default();
        text.single("x", Kind::Gauge, "Help.", None::<u64>);
        assert_eq!(text.finish(), "");
    }

    #[test]
    fn buckets_are_cumulative_and_end_with_all() {
        let mut histogram = Histogram::default();
        for millis in [5, 30, 30, 60_000] {
            histogram.observe(Duration::from_millis(millis));
        }
        let mut text = Exposition::default();
        text.histogram("x_seconds", "Help.", &histogram);
        let text = text.finish();
        for line in [
            "x_seconds_bucket{le=\"0.01\"} 1\n",
            "x_seconds_bucket{le=\"0.05\"} 3\n",
            "x_seconds_bucket{le=\"30\"} 3\n",
            "x_seconds_bucket{le=\"+Inf\"} 4\n",
            "x_seconds_sum 60.065\n",
            "x_seconds_count 4\n",
        ] {
            assert!(text.contains(line), "{text}");
        }
    }
}
