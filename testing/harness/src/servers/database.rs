//! A private database server: MariaDB, or MySQL if `TEST_DATABASE=mysql` is set. In that case, `MYSQLD` is its path.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{Kind, Server};
use crate::daemon::Daemon;
use crate::launch::Launch;
use crate::{free_port, tools};

const PASSWORD: &str = "root1234";

/// SQL that runs at each start. A new data folder may already contain this user without a password. `root@localhost`
/// does not match connections from 127.0.0.1, because name resolution is off.
const ACCESS: &str = "CREATE USER IF NOT EXISTS root@'127.0.0.1' IDENTIFIED BY 'root1234';
ALTER USER root@'127.0.0.1' IDENTIFIED BY 'root1234';
GRANT ALL PRIVILEGES ON *.* TO root@'127.0.0.1' WITH GRANT OPTION;
";

/// A private database server with full durability. The user is `root`, the password `root1234`.
pub struct MariaDb(pub(super) Server);

impl MariaDb {
    /// Starts a server and waits until it is ready.
    pub async fn start() -> Self {
        let daemon = Daemon::new("database");
        let port = free_port();
        let folder = daemon.dir().to_path_buf();
        let launch = tokio::task::spawn_blocking(move || prepare(&folder, port)).await;
        let launch = launch.expect("the database files can be created");
        Self(Server::start(Kind::Database, daemon, launch, port).await)
    }

    /// `mysql://root:root1234@127.0.0.1:<port>`, without a database name.
    #[must_use]
    pub fn url(&self) -> String {
        format!("mysql://{}:{}@{}", self.user(), self.password(), self.address())
    }

    /// [`url`](Self::url) with a database name. The database may not exist yet.
    #[must_use]
    pub fn url_of(&self, database: &str) -> String {
        format!("{}/{database}", self.url())
    }

    /// `root`
    #[must_use]
    pub fn user(&self) -> &'static str {
        "root"
    }

    /// `root1234`
    #[must_use]
    pub fn password(&self) -> &'static str {
        PASSWORD
    }
}

/// A server's greeting begins with a packet header of four bytes and the protocol version, 10.
pub(super) async fn is_ready(port: u16) -> bool {
    let greeting = async {
        let mut connection = TcpStream::connect(("127.0.0.1", port)).await?;
        let mut start = [0; 5];
        connection.read_exact(&mut start).await?;
        std::io::Result::Ok(start)
    };
    matches!(timeout(Duration::from_secs(1), greeting).await, Ok(Ok([_, _, _, 0, 10])))
}

/// Copies an empty database into `folder` and returns a [`Launch`] that starts a server on it.
fn prepare(folder: &Path, port: u16) -> Launch {
    let program = Program::chosen();
    let data = folder.join("data");
    run(Command::new("cp").args(["-a", "--sparse=always", "--reflink=auto"]).arg(program.template()).arg(&data));
    fs::write(folder.join("access.sql"), ACCESS).expect("the server's folder can be written");
    let launch = Launch::new(program.server.clone())
        .arg("--no-defaults")
        .args(["--bind-address=127.0.0.1", "--skip-name-resolve", &format!("--port={port}")])
        // These paths are relative to the data folder, because the path of a socket must be short.
        .args(["--socket=socket", "--pid-file=pid"])
        .arg(format!("--datadir={}", data.display()))
        .arg(format!("--init-file={}", folder.join("access.sql").display()))
        .args(["--innodb-buffer-pool-size=64M", "--performance-schema=OFF", "--max-connections=600"])
        .args(as_root());
    match program.is_mysql {
        true => launch.args(["--mysqlx=OFF", "--secure-file-priv=NULL"]),
        false => launch,
    }
}

/// The server program that the tests use.
struct Program {
    server: PathBuf,
    is_mysql: bool,
}

impl Program {
    fn chosen() -> Self {
        let is_mysql = env::var("TEST_DATABASE").is_ok_and(|choice| choice == "mysql");
        let server = match is_mysql {
            true => env::var_os("MYSQLD").expect("TEST_DATABASE=mysql needs the server's path in MYSQLD").into(),
            false => tools::find_program("mariadbd"),
        };
        Self { server, is_mysql }
    }

    /// The path of an empty database of this version. It is created once, which takes a few seconds, and then stays in
    /// the cache folder.
    fn template(&self) -> PathBuf {
        let version = run(Command::new(&self.server).args(["--no-defaults", "--version"]));
        let (_, version) = version.split_once("Ver ").expect("the server prints its version");
        let version = version.split_whitespace().next().unwrap_or_default();
        let kind = if self.is_mysql { "mysql" } else { "mariadb" };
        let templates = tools::cache_dir().join("tools/templates");
        let template = templates.join(format!("{kind}-{version}"));
        if template.is_dir() {
            return template;
        }
        fs::create_dir_all(&templates).expect("the cache folder can be written");
        let lock = File::create(templates.join("lock")).expect("the cache folder can be written");
        lock.lock().expect("the cache folder allows locks");
        if !template.is_dir() {
            let unfinished = templates.join("unfinished");
            // An earlier run that was killed may have left it.
            let _ = fs::remove_dir_all(&unfinished);
            self.create_database(&unfinished);
            fs::rename(&unfinished, &template).expect("the cache folder can be written");
        }
        template
    }

    fn create_database(&self, folder: &Path) {
        let data = format!("--datadir={}", folder.display());
        let mut command = match self.is_mysql {
            true => Command::new(&self.server),
            false => Command::new(tools::find_program("mariadb-install-db")),
        };
        command.args(["--no-defaults", &data]).args(as_root());
        match self.is_mysql {
            true => command.args(["--initialize-insecure", "--innodb-redo-log-capacity=32M"]),
            false => command.args([
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
                // Needed on a machine whose host name cannot be resolved.
                "--force",
                "--innodb-log-file-size=32M",
            ]),
        };
        run(&mut command);
    }
}

/// Database servers refuse to run as root without this option.
fn as_root() -> Option<&'static str> {
    rustix::process::geteuid().is_root().then_some("--user=root")
}

/// Runs a command and returns its output.
fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} failed:\n{printed}{errors}");
    printed
}
