//! The user as whom the server runs. PostgreSQL refuses root, so root hands the cluster to the user
//! `postgres` that its packages create.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use super::Error;

/// Who owns the cluster and runs its programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Account {
    /// The user of this process.
    Ours {
        /// Its number.
        uid: u32,
    },
    /// The user `postgres`, because this process is root.
    Postgres {
        /// Its number.
        uid: u32,
        /// Its group.
        gid: u32,
    },
}

impl Account {
    /// Chooses the account. `ours` is a file that this process has just made: its owner is who we
    /// are, which spares a system call that needs `unsafe`.
    pub(super) fn choose(ours: &Path) -> Result<Self, Error> {
        let uid = fs::metadata(ours)
            .map_err(Error::io(format!("cannot look at {}", ours.display())))?
            .uid();
        if uid != 0 {
            return Ok(Self::Ours { uid });
        }
        let users =
            fs::read_to_string("/etc/passwd").map_err(Error::io("cannot read /etc/passwd"))?;
        let (uid, gid) = postgres_ids(&users).ok_or(Error::NoAccount)?;
        Ok(Self::Postgres { uid, gid })
    }

    /// The number of the user.
    pub(super) const fn uid(self) -> u32 {
        match self {
            Self::Ours { uid } | Self::Postgres { uid, .. } => uid,
        }
    }

    /// A command that runs as this user, without the settings that could lead it to another
    /// cluster, and with messages in English.
    pub(super) fn command(self, program: &Path, folder: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(folder).env("LC_ALL", "C").stdin(Stdio::null());
        // A key that interrupts us on a terminal is for us.
        command.process_group(0);
        for name in ["PGDATA", "PGHOST", "PGPORT", "PGUSER", "PGOPTIONS", "PGDATABASE"] {
            command.env_remove(name);
        }
        if let Self::Postgres { uid, gid } = self {
            command.uid(uid).gid(gid).env("HOME", folder);
        }
        command
    }

    /// Hands `path` to the user, where that is not us anyway.
    pub(super) fn give(self, path: &Path) -> Result<(), Error> {
        match self {
            Self::Ours { .. } => Ok(()),
            Self::Postgres { uid, gid } => chown(path, Some(uid), Some(gid))
                .map_err(Error::io(format!("cannot hand {} to postgres", path.display()))),
        }
    }

    /// Whether the user can get into `folder` and write there. A home of root, for one, lets
    /// nobody through.
    pub(super) fn reaches(self, folder: &Path) -> bool {
        self.command(Path::new("/bin/sh"), Path::new("/"))
            .args(["-c", "cd \"$1\" && test -w .", "sh"])
            .arg(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }
}

/// User and group number of `postgres` in a passwd file.
fn postgres_ids(passwd: &str) -> Option<(u32, u32)> {
    let line = passwd.lines().find(|line| line.starts_with("postgres:"))?;
    let mut fields = line.split(':').skip(2);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_postgres_is_found_in_a_passwd_file() {
        let passwd = "root:x:0:0::/root:/bin/sh\npostgres:x:105:111:PG:/var/lib/postgresql:/bin/sh";
        assert_eq!(postgres_ids(passwd), Some((105, 111)));
        assert_eq!(postgres_ids("postgresql:x:1:2::/:/bin/sh"), None);
    }
}
