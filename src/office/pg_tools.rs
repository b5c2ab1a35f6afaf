//! PostgreSQL's own programs, for backups. A password is handed to them in their environment, which nobody else reads, and
//! not among their arguments, which every user of the machine sees.

use std::path::Path;
use std::process::Command;

use super::{OfficeError, Result};

/// Writes a dump of the database.
pub(super) async fn dump(url: &str, to: &Path) -> Result<()> {
    let mut command = program("pg_dump", url);
    command.args(["--format=custom", "--no-owner", "--file"]).arg(to);
    run(command, "pg_dump").await
}

/// Fills an empty database from a dump.
pub(super) async fn fill(url: &str, from: &Path) -> Result<()> {
    let mut command = program("pg_restore", url);
    command.args(["--exit-on-error", "--single-transaction", "--no-owner"]).arg(from);
    run(command, "pg_restore").await
}

/// The program, told of the database.
fn program(name: &str, url: &str) -> Command {
    let (place, password) = without_password(url);
    let mut command = Command::new(name);
    command.arg("--dbname").arg(place);
    if let Some(password) = password {
        command.env("PGPASSWORD", password);
    }
    command
}

/// The address without its password, and the password, which stands before the `@` or among the parameters.
fn without_password(url: &str) -> (String, Option<String>) {
    let Some((scheme, rest)) = url.split_once("://") else { return (url.to_owned(), None) };
    let (place, parameters) = rest.split_once('?').map_or((rest, None), |(place, given)| (place, Some(given)));
    let (host, path) = place.find('/').map_or((place, ""), |at| place.split_at(at));
    let mut password = None;
    let host = match host.rsplit_once('@') {
        Some((user, host)) => {
            let user = user.split_once(':').map_or(user, |(user, secret)| {
                password = Some(plain(secret));
                user
            });
            format!("{user}@{host}")
        }
        None => host.to_owned(),
    };
    let mut kept = Vec::new();
    for parameter in parameters.iter().flat_map(|given| given.split('&')) {
        match parameter.strip_prefix("password=") {
            Some(secret) => password = Some(plain(secret)),
            None => kept.push(parameter),
        }
    }
    let parameters = if kept.is_empty() { String::new() } else { format!("?{}", kept.join("&")) };
    (format!("{scheme}://{host}{path}{parameters}"), password)
}

/// What an address writes as `p%40ss`.
fn plain(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let Some((first, behind)) = rest.split_first() {
        let code = behind.get(..2).filter(|_| *first == b'%').and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &behind[2..];
            }
            None => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

async fn run(mut command: Command, name: &'static str) -> Result<()> {
    let install = "install PostgreSQL's client programs (Debian: postgresql-client), of the server's version or newer";
    let output = tokio::task::spawn_blocking(move || command.output())
        .await
        .map_err(|error| OfficeError::Interrupted(error.to_string()))?
        .map_err(|error| OfficeError::refused(format!("{name} cannot be run: {error}"), install))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(OfficeError::refused(format!("{name} failed: {said}"), install))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_user_of_the_machine_sees_the_password_among_the_arguments() {
        let told = |url: &str| {
            let command = program("pg_dump", url);
            let arguments: Vec<String> = command.get_args().map(|word| word.to_string_lossy().into_owned()).collect();
            let password = command.get_envs().find_map(|(name, value)| {
                value.filter(|_| name == "PGPASSWORD").map(|value| value.to_string_lossy().into_owned())
            });
            (arguments.join(" "), password)
        };
        let cases = [
            ("postgres://arrears:p%40s:s@db:5433/city", "postgres://arrears@db:5433/city", Some("p@s:s")),
            (
                "postgres://arrears@db/city?sslmode=require&password=se%2Fcret",
                "postgres://arrears@db/city?sslmode=require",
                Some("se/cret"),
            ),
            ("postgres://db/city?password=100%", "postgres://db/city", Some("100%")),
            ("postgres://arrears@db/city", "postgres://arrears@db/city", None),
            ("postgres:///city?host=/run/postgresql", "postgres:///city?host=/run/postgresql", None),
        ];
        for (url, place, password) in cases {
            assert_eq!(told(url), (format!("--dbname {place}"), password.map(str::to_owned)), "{url}");
        }
    }
}
