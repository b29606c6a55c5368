//! Opening the database that the settings choose, for every command that needs one.

use super::context::Context;
use crate::db::Database;
use crate::db::private::{self, PrivateCluster};
use crate::failure::Failure;
use crate::settings::DatabaseChoice;

/// The database of a command. Closing it, or dropping it, leaves the private cluster behind it.
#[derive(Debug)]
pub(crate) struct OpenDatabase {
    database: Database,
    cluster: Option<PrivateCluster>,
}

impl OpenDatabase {
    /// Checks the URL that was given, or starts the private cluster and says where it is. A given
    /// URL is not connected to yet.
    pub(crate) async fn open(context: &Context) -> Result<Self, Failure> {
        match &context.settings.database {
            DatabaseChoice::Url(url) => {
                let database = Database::parse(url.expose())?.interrupted_by(&context.interrupt);
                Ok(Self { database, cluster: None })
            }
            DatabaseChoice::Private(data_dir) => {
                let doing =
                    if data_dir.join("postgres").exists() { "starting the" } else { "making a" };
                let folder = data_dir.display();
                context.printer.note(&format!("{doing} private PostgreSQL under {folder} …"));
                // A server that is just being started is to be known as ours.
                let _moment = context.interrupt.moment();
                let cluster = PrivateCluster::open(data_dir, private::Options::default())
                    .await
                    .map_err(crate::db::Error::from)?;
                context.printer.note(&format!("private PostgreSQL: psql '{}'", cluster.url()));
                let database = cluster.database().clone().interrupted_by(&context.interrupt);
                Ok(Self { database, cluster: Some(cluster) })
            }
        }
    }

    /// The settings to connect with.
    pub(crate) const fn database(&self) -> &Database {
        &self.database
    }

    /// Where the private cluster is, if it is one.
    pub(crate) fn private_url(&self) -> Option<&str> {
        self.cluster.as_ref().map(PrivateCluster::url)
    }

    /// Leaves the private cluster, if it is one, and reports if its server does not stop.
    pub(crate) async fn close(self) -> Result<(), Failure> {
        match self.cluster {
            Some(cluster) => Ok(cluster.stop().await.map_err(crate::db::Error::from)?),
            None => Ok(()),
        }
    }
}
