//! What systemd is told, where it asks: that the daemon is up, that it is alive, that it stops (`sd_notify`).
//!
//! The protocol is a datagram of `KEY=value` lines to the socket that `NOTIFY_SOCKET` names. Without one, as in a terminal,
//! nothing is told. The address comes from the command line's room, which alone reads the environment.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;

/// Where systemd listens.
#[derive(Debug, Default)]
pub struct Systemd(Option<(UnixDatagram, SocketAddr)>);

impl Systemd {
    /// The socket of the name that `NOTIFY_SOCKET` has: a path, or an abstract name that begins with `@`.
    #[must_use]
    pub fn at(name: Option<&std::ffi::OsStr>) -> Self {
        let Some(name) = name.filter(|name| !name.is_empty()) else { return Self(None) };
        let address = match name.as_bytes().strip_prefix(b"@") {
            Some(hidden) => SocketAddr::from_abstract_name(hidden),
            None => SocketAddr::from_pathname(Path::new(name)),
        };
        let opened = address.and_then(|address| UnixDatagram::unbound().map(|socket| (socket, address)));
        match opened {
            Ok(opened) => Self(Some(opened)),
            Err(error) => {
                tracing::warn!(%error, "systemd cannot be told how the daemon fares");
                Self(None)
            }
        }
    }

    /// The daemon works.
    pub fn ready(&self) {
        self.tell("READY=1");
    }

    /// It still does.
    pub fn alive(&self) {
        self.tell("WATCHDOG=1");
    }

    /// It stops.
    pub fn stopping(&self) {
        self.tell("STOPPING=1");
    }

    fn tell(&self, what: &str) {
        if let Some((socket, address)) = &self.0
            && let Err(error) = socket.send_to_addr(what.as_bytes(), address)
        {
            tracing::warn!(%error, what, "systemd could not be told");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systemd_hears_that_the_daemon_is_up_alive_and_stops() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let heard = UnixDatagram::bind(&path).unwrap();
        let systemd = Systemd::at(Some(path.as_os_str()));
        systemd.ready();
        systemd.alive();
        systemd.stopping();
        let mut buffer = [0; 64];
        for said in ["READY=1", "WATCHDOG=1", "STOPPING=1"] {
            let length = heard.recv(&mut buffer).unwrap();
            assert_eq!(&buffer[..length], said.as_bytes());
        }
    }

    #[test]
    fn without_systemd_nothing_is_told_and_nothing_fails() {
        Systemd::at(None).ready();
        Systemd::at(Some(std::ffi::OsStr::new(""))).ready();
        Systemd::at(Some(std::ffi::OsStr::new("/nowhere/notify"))).ready();
    }
}
