//! What a server said when it refused something, in its own words: message, detail and hint, without
//! the line of its source code.

use std::error::Error;

use sqlx::postgres::PgDatabaseError;

/// A refusal of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// SQLSTATE, five characters.
    pub code: String,
    /// Message and, where there is one, detail.
    pub message: String,
    /// What the server suggests.
    pub hint: Option<String>,
}

impl Refusal {
    /// What the server said, if `error` itself is its refusal.
    pub fn of(error: &(dyn Error + 'static)) -> Option<Self> {
        let refused = match error.downcast_ref::<sqlx::Error>() {
            Some(sqlx::Error::Database(refused)) => {
                refused.try_downcast_ref::<PgDatabaseError>()?
            }
            Some(_) => return None,
            None => error.downcast_ref::<PgDatabaseError>()?,
        };
        let detail = refused.detail().map(|detail| format!(" ({detail})")).unwrap_or_default();
        Some(Self {
            code: refused.code().to_owned(),
            message: format!("{}{detail}", refused.message()),
            hint: refused.hint().map(str::to_owned),
        })
    }

    /// The same, if `error` or one of its causes is a refusal.
    pub fn within(error: &(dyn Error + 'static)) -> Option<Self> {
        let mut at = Some(error);
        while let Some(error) = at {
            if let Some(found) = Self::of(error) {
                return Some(found);
            }
            at = error.source();
        }
        None
    }

    /// What to do about it, as far as the code tells.
    pub fn way_out(&self) -> Option<&'static str> {
        Some(match self.code.as_str() {
            "28P01" | "28000" => {
                "check user and password: in the URL, in PGPASSWORD, or in ~/.pgpass"
            }
            "3D000" => "make the database first, for example with createdb, or check its name",
            "42501" => "the role lacks a right that this needs: GRANT it, or use the owner's role",
            "53100" => "the server's disk is full: make room, then run the same command again",
            "53300" => "the server takes no more connections: raise max_connections or end others",
            "25006" => "this server takes no writes: is it a standby?",
            _ => return None,
        })
    }

    /// Whether the role, and not what was asked for, is the reason.
    pub fn is_about_rights(&self) -> bool {
        self.code == "42501" || self.code.starts_with("28")
    }
}

/// `error` and its causes in one line, outermost first.
pub fn causes(error: &(dyn Error + 'static)) -> String {
    let said = |error: &(dyn Error + 'static)| {
        Refusal::of(error).map_or_else(|| error.to_string(), |refusal| refusal.message)
    };
    let mut text = said(error);
    let mut at = below(error);
    while let Some(error) = at {
        let next = said(error);
        if !text.ends_with(&next) {
            text = format!("{text}: {next}");
        }
        at = below(error);
    }
    text
}

/// The cause of an error; none below a refusal, which only repeats itself.
pub fn below<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e (dyn Error + 'static)> {
    if Refusal::of(error).is_some() { None } else { error.source() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_stand_in_one_line_and_none_twice() {
        let io = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        let said = causes(&crate::db::Error::query("writing users")(io.into()));
        assert!(said.starts_with("writing users: "), "{said}");
        assert_eq!(said.matches("connection reset").count(), 1, "{said}");
    }
}
