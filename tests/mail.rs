//! A city's emails through a real Postfix, over TLS and signed: what comes back is read, and a letter takes its place.
//!
//! The Postfix is one of the test's own, in a temporary directory and on ports of its own; none that runs is touched. It
//! needs root to start (`sudo` without a password does), Debian's packages `postfix` and `python3-dkim`, and openssl.

use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

const ACCOUNTS: &str = "\
account,customer_name,service_address,service_city,service_state,service_zip,email,phone,services,occupancy
10-000417,Rosa Muñoz,418 Alder St,Riverbend,CA,95600,rosa@customers.example,(916) 555-0142,water,owner
10-000418,Curtis Hartley,420 Alder St,Riverbend,CA,95600,gone@customers.example,(916) 555-0143,water,owner
";
const CHARGES: &str = "\
account,service,amount,billed_on,due_on,source,reference
10-000417,water,180.00,2026-03-02,2026-03-23,cis,B1-W
10-000418,water,95.00,2026-03-02,2026-03-23,cis,B2-W
";
/// Debian's user for what belongs to nobody: Postfix writes no mailbox as root.
const NOBODY: u32 = 65534;
const PATIENCE: Duration = Duration::from_mins(1);

fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = [output.stdout.as_slice(), &output.stderr].concat();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&said));
    output
}

/// A program of the system's, as root.
fn as_root(program: &str) -> Command {
    let id = run(Command::new("id").arg("-u"));
    if id.stdout == b"0\n" {
        return Command::new(program);
    }
    let mut command = Command::new("sudo");
    command.args(["-n", program]);
    command
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Two keys: an authority's, and that of `localhost`, which the authority has signed.
fn certificates(folder: &Path) {
    let openssl = |args: &[&str]| run(Command::new("openssl").args(args).current_dir(folder));
    let new = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"];
    openssl(&[&new[..], &["-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Authority of the test"]].concat());
    let signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-addext", "subjectAltName=DNS:localhost"];
    let plain = ["-addext", "basicConstraints=critical,CA:FALSE", "-subj", "/CN=localhost"];
    openssl(&[&new[..], &["-keyout", "server.key", "-out", "server.pem"], &signed, &plain].concat());
}

/// A Postfix that keeps what comes for `rosa@customers.example` and for the city's bounces, and knows nobody else.
struct Postfix {
    dir: TempDir,
    start_tls: u16,
    tls: u16,
    /// With TLS too, and whom nobody knows is refused at once.
    strict: u16,
}

impl Postfix {
    fn start() -> Self {
        let dir = tempfile::Builder::new().prefix("arrears-mx-").tempdir().unwrap();
        let root = dir.path();
        fs::set_permissions(root, fs::Permissions::from_mode(0o755)).unwrap();
        for folder in ["etc", "queue", "lib", "mail"] {
            fs::create_dir(root.join(folder)).unwrap();
        }
        certificates(root);
        let (start_tls, tls, strict) = (free_port(), free_port(), free_port());
        let at = root.display();
        let main = format!(
            "compatibility_level = 3.6\nqueue_directory = {at}/queue\ndata_directory = {at}/lib\n\
             maillog_file = {at}/log\nmaillog_file_prefixes = {at}\n\
             myhostname = mx.riverbend.example\nmydestination =\ninet_interfaces = 127.0.0.1\ninet_protocols = ipv4\n\
             mynetworks = 127.0.0.0/8\nsmtpd_relay_restrictions = permit_mynetworks, reject\n\
             smtpd_reject_unlisted_recipient = no\nalias_maps =\nalias_database =\n\
             virtual_mailbox_domains = riverbend.example, customers.example\nvirtual_mailbox_base = {at}/mail\n\
             virtual_mailbox_maps = texthash:{at}/etc/mailboxes\nvirtual_uid_maps = static:{NOBODY}\n\
             virtual_gid_maps = static:{NOBODY}\nsmtpd_tls_cert_file = {at}/server.pem\n\
             smtpd_tls_key_file = {at}/server.key\nsmtpd_tls_security_level = encrypt\nsmtp_tls_security_level = none\n"
        );
        let services = format!(
            "127.0.0.1:{start_tls} inet n - n - - smtpd\n\
             127.0.0.1:{tls} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes\n\
             127.0.0.1:{strict} inet n - n - - smtpd -o smtpd_reject_unlisted_recipient=yes\n\
             cleanup unix n - n - 0 cleanup\nqmgr unix n - n 300 1 qmgr\ntlsmgr unix - - n 1000? 1 tlsmgr\n\
             rewrite unix - - n - - trivial-rewrite\nbounce unix - - n - 0 bounce\ndefer unix - - n - 0 bounce\n\
             trace unix - - n - 0 bounce\nproxymap unix - - n - - proxymap\nerror unix - - n - - error\n\
             retry unix - - n - - error\nvirtual unix - n n - - virtual\nanvil unix - - n - 1 anvil\n\
             postlog unix-dgram n - n - 1 postlogd\n"
        );
        let mailboxes = "bounces@riverbend.example bounces/\nrosa@customers.example rosa/\n";
        for (name, text) in [("main.cf", main.as_str()), ("master.cf", &services), ("mailboxes", mailboxes)] {
            fs::write(root.join("etc").join(name), text).unwrap();
        }
        run(as_root("chown").args(["postfix", &format!("{at}/lib")]));
        run(as_root("chown").args([&NOBODY.to_string(), &format!("{at}/mail")]));
        run(as_root("chown").args(["root", &format!("{at}/queue"), &format!("{at}/etc")]));
        let postfix = Self { dir, start_tls, tls, strict };
        postfix.tell("start");
        postfix
    }

    fn tell(&self, what: &str) {
        let etc = self.dir.path().join("etc").display().to_string();
        run(as_root("/usr/sbin/postfix").args(["-c", &etc, what]).stdin(Stdio::null()));
    }

    /// The messages of a mailbox, once there is one.
    fn arrived(&self, mailbox: &str) -> Vec<PathBuf> {
        let new = self.dir.path().join("mail").join(mailbox).join("new");
        let began = Instant::now();
        loop {
            let files: Vec<PathBuf> =
                fs::read_dir(&new).into_iter().flatten().map(|file| file.unwrap().path()).collect();
            if !files.is_empty() {
                return files;
            }
            let log = || fs::read_to_string(self.dir.path().join("log")).unwrap_or_default();
            assert!(began.elapsed() < PATIENCE, "nothing came to {mailbox}: {}", log());
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        self.tell("stop");
        // What Postfix wrote is its own users'.
        let _ = as_root("chown").args(["-R", &own_id()]).arg(self.dir.path()).status();
    }
}

fn own_id() -> String {
    String::from_utf8(run(Command::new("id").arg("-u")).stdout).unwrap().trim().to_owned()
}

/// The configuration of a city that says its name.
fn named(mail: &str) -> String {
    format!("city: {{name: City of Riverbend}}\n{mail}")
}

/// A data directory whose policy reminds by email alone.
struct City(TempDir);

impl City {
    fn new(mail: &str) -> Self {
        let city = Self(TempDir::new().unwrap());
        fs::write(city.path("arrears.yaml"), named(mail)).unwrap();
        let policy = include_str!("../rules/riverbend.yaml");
        let by_email = policy.replace("notice: reminder, by: [email, mail]", "notice: reminder, by: [email]");
        assert_ne!(by_email, policy);
        fs::write(city.path("policy.yaml"), by_email).unwrap();
        fs::write(city.path("accounts.csv"), ACCOUNTS).unwrap();
        fs::write(city.path("charges.csv"), CHARGES).unwrap();
        city.on("2026-03-02", &["rules", "adopt", "policy.yaml"]);
        city.on("2026-03-02", &["wordings", "sign", "--language", "es,zh,tl,vi,ko", "--note", "read"]);
        city.on("2026-03-02", &["import", "accounts.csv", "charges.csv"]);
        city.on("2026-03-28", &["night", "--date", "2026-03-28"]);
        city
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn on(&self, today: &str, args: &[&str]) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_arrears"));
        command.env("ARREARS_DIR", self.0.path()).env("ARREARS_TODAY", today).env("ARREARS_BY", "L. Ortiz");
        command.env_remove("ARREARS_DATABASE").current_dir(self.0.path()).args(args);
        String::from_utf8(run(&mut command).stdout).unwrap()
    }

    /// The notices of an account as channel and state.
    fn notices(&self, account: &str) -> Vec<String> {
        let listed = self.on("2026-03-30", &["notices", "list", "--account", account, "--json"]);
        let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
        let said = |n: &serde_json::Value| format!("{} {}", n["channel"], n["state"]).replace('"', "");
        listed.as_array().unwrap().iter().map(said).collect()
    }
}

/// Prints what the signature of the email on stdin comes to under the public key of a file.
const VERIFY: &str = r"
import base64, subprocess, sys
import dkim
der = subprocess.run(['openssl', 'pkey', '-in', sys.argv[1], '-pubout', '-outform', 'DER'], capture_output=True, check=True).stdout
kind = sys.argv[2]
# In DNS an Ed25519 key stands bare (RFC 8463).
key = base64.b64encode(der if kind == 'rsa' else der[-32:]).decode()
record = f'v=DKIM1; k={kind}; p={key}'.encode()
message = sys.stdin.buffer.read()
def dns(name, timeout=5):
    assert name == b'arrears._domainkey.riverbend.example.', name
    return record
print(dkim.verify(message, dnsfunc=dns), dkim.verify(message.replace(b'180.00', b'100.00'), dnsfunc=dns))
";

fn verified(email: &Path, key: &Path, kind: &str) -> String {
    let arguments = [VERIFY, &key.display().to_string(), kind].map(str::to_owned);
    let mut python = Command::new("/usr/bin/python3")
        .arg("-c")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    python.stdin.take().unwrap().write_all(&fs::read(email).unwrap()).unwrap();
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success(), "install it with `apt-get install python3-dkim`");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn configuration(postfix: &Postfix, security: &str, port: u16, more: &str) -> String {
    let authority = postfix.dir.path().join("ca.pem");
    format!(
        "mail: {{host: localhost, port: {port}, security: {security}, bounces_to: bounces@riverbend.example{more}, \
         ca_file: {}}}\n",
        authority.display()
    )
}

#[test]
fn an_email_to_nobody_comes_back_and_goes_by_letter_and_the_other_arrives_signed() {
    let postfix = Postfix::start();
    let cases = [("start_tls", postfix.start_tls, "RSA", "rsa"), ("tls", postfix.tls, "ED25519", "ed25519")];
    for (security, port, algorithm, kind) in cases {
        let key = postfix.dir.path().join(format!("{kind}.pem"));
        let make = ["genpkey", "-algorithm", algorithm, "-out"];
        run(Command::new("openssl").args(make).arg(&key));
        let dkim = format!(", dkim: {{domain: riverbend.example, selector: arrears, key_file: {}}}", key.display());
        let city = City::new(&configuration(&postfix, security, port, &dkim));
        city.on("2026-03-28", &["outbox"]);
        city.on("2026-03-28", &["outbox"]);
        assert_eq!(city.notices("10-000417"), ["email sent"]);
        let email = postfix.arrived("rosa").remove(0);
        assert_eq!(verified(&email, &key, kind), "True False", "{security}: changed by a digit it is not ours");
        fs::remove_file(email).unwrap();

        // The mailbox is the folder, as a city's would be.
        let reports = postfix.arrived("bounces");
        assert_eq!(reports.len(), 1, "of one email");
        fs::create_dir_all(city.path("bounces/new")).unwrap();
        fs::copy(&reports[0], city.path("bounces/new").join(reports[0].file_name().unwrap())).unwrap();
        fs::remove_file(&reports[0]).unwrap();
        let said = city.on("2026-03-30", &["email", "bounces"]);
        assert!(said.starts_with("1 emails bounced") && said.contains("unknown user"), "{said}");
        assert_eq!(city.notices("10-000418"), ["email bounced", "mail released"]);
        assert_eq!(city.notices("10-000417"), ["email sent"]);
        assert!(
            city.on("2026-03-30", &["account", "10-000418"]).contains("undeliverable_email gone@customers.example")
        );
        city.on("2026-03-30", &["outbox"]);
        assert!(city.on("2026-03-30", &["notices", "batch"]).contains("1 "));
        city.on("2026-03-30", &["doctor"]);
    }
}

#[test]
fn an_email_that_the_server_refuses_at_once_goes_by_letter_and_the_other_arrives() {
    let postfix = Postfix::start();
    let city = City::new(&configuration(&postfix, "start_tls", postfix.strict, ""));
    city.on("2026-03-28", &["outbox"]);
    city.on("2026-03-28", &["outbox"]);
    assert_eq!(city.notices("10-000417"), ["email sent"]);
    assert_eq!(postfix.arrived("rosa").len(), 1);
    assert_eq!(city.notices("10-000418"), ["email failed", "mail rendered"]);
    let account = city.on("2026-03-28", &["account", "10-000418"]);
    assert!(account.contains("undeliverable_email gone@customers.example"), "{account}");
    let told = city.on("2026-03-28", &["exceptions", "list"]);
    assert!(told.contains("a letter takes its place"), "{told}");
    city.on("2026-03-28", &["doctor"]);
}

#[test]
fn a_server_whose_certificate_nobody_vouches_for_gets_no_email() {
    let postfix = Postfix::start();
    let mail = configuration(&postfix, "start_tls", postfix.start_tls, "");
    let ca = mail.find(", ca_file").unwrap();
    let city = City::new(&format!("{}}}\n", &mail[..ca]));
    city.on("2026-03-28", &["outbox"]);
    assert_eq!(city.notices("10-000417"), ["email rendered"], "it waits, and was not sent");
    let other_name = mail.replace("localhost", "127.0.0.1");
    fs::write(city.path("arrears.yaml"), named(&other_name)).unwrap();
    city.on("2026-03-29", &["outbox"]);
    assert_eq!(city.notices("10-000417"), ["email rendered"], "the certificate is of another name");
    fs::write(city.path("arrears.yaml"), named(&mail)).unwrap();
    city.on("2026-03-30", &["outbox"]);
    assert_eq!(city.notices("10-000417"), ["email sent"]);
}
