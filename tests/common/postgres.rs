//! A private PostgreSQL for the tests: one cluster a test binary, on a Unix socket in a temporary directory, and an empty
//! database for whoever asks. Nothing of a PostgreSQL that the machine may run is touched.
//!
//! A machine without PostgreSQL fails these tests and says what to install; they are never skipped in silence.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;

static CLUSTER: OnceLock<Cluster> = OnceLock::new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

struct Cluster {
    bin: PathBuf,
    directory: TempDir,
}

/// The address of a new empty database.
pub fn new_database() -> String {
    let cluster = CLUSTER.get_or_init(Cluster::start);
    let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
    let mut createdb = cluster.command("createdb");
    createdb.arg("--host").arg(cluster.directory.path()).args(["--username", "arrears", &name]);
    succeed(&mut createdb);
    let socket = cluster.directory.path().to_string_lossy().replace('/', "%2F");
    format!("postgres://arrears@{socket}/{name}")
}

impl Cluster {
    fn start() -> Self {
        let bin = programs();
        let directory = tempfile::Builder::new().prefix("arrears-pg-").tempdir().expect("a temporary directory");
        let cluster = Self { bin, directory };
        let root = cluster.directory.path();
        if is_root() {
            // PostgreSQL refuses to run as root; Debian's package brings a user for it.
            succeed(Command::new("chown").arg("postgres:").arg(root));
        }
        let data = root.join("data");
        let mut initdb = cluster.command("initdb");
        initdb.arg("--pgdata").arg(&data).args(["--username=arrears", "--auth=trust", "--encoding=UTF8", "--no-sync"]);
        // The plain collation sorts by bytes, like SQLite.
        succeed(initdb.arg("--locale=C"));
        let options = format!(
            "-c listen_addresses='' -c unix_socket_directories='{}' -c fsync=off -c full_page_writes=off",
            root.display()
        );
        let mut start = cluster.command("pg_ctl");
        start.arg("--pgdata").arg(&data).arg("--log").arg(root.join("log")).args(["--wait", "--options", &options]);
        succeed(start.arg("start").stdout(Stdio::null()));
        stop_at_exit(&cluster.bin, root);
        cluster
    }

    fn command(&self, program: &str) -> Command {
        let program = self.bin.join(program);
        let mut command = if is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.current_dir(self.directory.path());
        command
    }
}

/// Test binaries end without running destructors of statics. A small shell waits for this process to be gone, stops the
/// cluster, and removes its directory.
#[expect(clippy::zombie_processes, reason = "it waits for this process, not the other way around")]
fn stop_at_exit(bin: &Path, root: &Path) {
    let script = "while kill -0 \"$1\" 2>/dev/null; do sleep 0.2; done
        if [ \"$(id -u)\" = 0 ]; then
            runuser -u postgres -- \"$2/pg_ctl\" --pgdata \"$3/data\" --mode immediate stop
        else
            \"$2/pg_ctl\" --pgdata \"$3/data\" --mode immediate stop
        fi
        rm -rf \"$3\"";
    Command::new("sh")
        .args(["-c", script, "sh", &std::process::id().to_string()])
        .args([bin, root])
        .current_dir("/")
        // Of its own process group, so that it outlives an interrupt from the keyboard.
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a shell to stop PostgreSQL after the tests");
}

/// Where `initdb` is: Debian keeps it outside the path, one directory a version.
fn programs() -> PathBuf {
    let mut versions: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|version| Some(version.ok()?.path().join("bin")))
        .filter(|bin| bin.join("initdb").exists())
        .collect();
    versions.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).find(|bin| bin.join("initdb").exists() && bin.join("createdb").exists());
    versions.pop().or(on_path).expect(
        "PostgreSQL is not installed, and the store's tests run on it too: `sudo apt-get install postgresql` \
         (no server needs to be running)",
    )
}

fn is_root() -> bool {
    static ROOT: OnceLock<bool> = OnceLock::new();
    *ROOT.get_or_init(|| succeed(Command::new("id").arg("-u")).stdout.starts_with(b"0\n"))
}

fn succeed(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}
