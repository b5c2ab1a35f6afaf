//! `outbox`: the work that waits is done once, by hand.

use clap::Args;

use super::{Answer, Desk, Failure, Result};
use crate::notices::Mailer;

#[derive(Args, Debug)]
pub struct Outbox {}

impl Outbox {
    pub async fn run(self, desk: &Desk) -> Result {
        let office = desk.office().await?;
        let mail = &office.config.mail;
        let mailer = Mailer::configured(mail, &office.dir, std::env::var(&mail.password_env).ok())
            .map_err(|error| Failure::failed(error.to_string()))?;
        let done = office.work_outbox(&mailer).await?;
        let left = office.store.waiting(office.today()).await?.work;
        let mut text = format!("{done} pieces of work done, {left} left");
        if left > 0 {
            text.push_str(": they are tried again later; what cannot be done is in `arrears exceptions list`");
        }
        Ok(Answer::done(text))
    }
}
