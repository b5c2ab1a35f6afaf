//! `run`: the daemon, with the pages where an address is given.

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use super::{Answer, Desk, Failure, Result};
use crate::clock::{Clock, SystemClock};
use crate::notices::Mailer;
use crate::web;
use crate::worker::{Systemd, Worker};

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

#[derive(Args, Debug)]
pub struct Run {
    /// Serve the pages here, for example 127.0.0.1:8080; without it there are none
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Log lines for people or for programs; text on a terminal, JSON elsewhere
    #[arg(long, value_enum, value_name = "FORMAT")]
    log: Option<LogFormat>,
}

impl Run {
    pub async fn run(self, desk: &Desk) -> Result {
        let is_text = self.log.map_or_else(|| std::io::stderr().is_terminal(), |format| format == LogFormat::Text);
        log_to_stderr(is_text);
        let office = Arc::new(desk.office().await?);
        if let Some(warning) = super::unnamed_city(&office) {
            tracing::warn!("{warning}");
        }
        let (today, on_the_wall) = (office.today(), office.local_day(SystemClock.now()));
        if today != on_the_wall {
            tracing::warn!(%today, machine = %on_the_wall, "a trial: the date is set, and the clock stands still");
        }
        let password = std::env::var(&office.config.mail.password_env).ok();
        let mailer = Mailer::configured(&office.config.mail, desk.dir(), password)
            .map_err(|error| Failure::refused(format!("arrears.yaml: mail: {error}")))?;
        let stop = stopped_by_signal()?;
        let pages = match self.listen {
            Some(address) => {
                let listener = TcpListener::bind(address)
                    .await
                    .map_err(|error| Failure::failed(format!("{address} cannot be listened on: {error}")))?;
                tracing::info!(%address, "the pages are served");
                let stop = stop.clone();
                let office = Arc::clone(&office);
                Some(tokio::spawn(async move { web::serve(office, listener, stop.cancelled_owned()).await }))
            }
            None => None,
        };
        #[expect(clippy::disallowed_methods, reason = "a name that no other daemon bears, and that decides nothing")]
        let owner = uuid::Uuid::now_v7().to_string();
        let systemd = Systemd::at(std::env::var_os("NOTIFY_SOCKET").as_deref());
        Box::pin(Worker::new(office, mailer, owner, systemd).run(stop.clone())).await;
        stop.cancel();
        if let Some(pages) = pages {
            pages.await.map_err(|error| Failure::failed(format!("the pages stopped: {error}")))?;
        }
        Ok(Answer::done(""))
    }
}

/// Canceled when the system or a person asks the daemon to stop.
fn stopped_by_signal() -> Result<CancellationToken> {
    let failed = |error: std::io::Error| Failure::failed(format!("signals cannot be received: {error}"));
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let stop = CancellationToken::new();
    let canceled = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => tracing::info!("asked to stop (SIGTERM)"),
            _ = interrupt.recv() => tracing::info!("asked to stop (interrupt)"),
            () = canceled.cancelled() => {}
        }
        canceled.cancel();
    });
    Ok(stop)
}

fn log_to_stderr(is_text: bool) {
    let filter = EnvFilter::try_from_env("ARREARS_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second subscriber in one process is refused; the first goes on.
    let _ = if is_text { lines.try_init() } else { lines.json().flatten_event(true).try_init() };
}
