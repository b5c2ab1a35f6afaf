//! Letters: a notice's wordings with their figures, set by `templates/layouts/letter.typ`.
//!
//! The address stands where the window of a #10 envelope shows it, wherever the folded sheet slides. The languages
//! follow one another, each run of text tagged with its own.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::json;

use super::language::{self, Labels};
use super::wording::{Block, Wording, WordingError, Wordings};
use crate::config::CityProfile;
use crate::domain::arrangement::Installment;
use crate::domain::dispute::Side;
use crate::domain::notice::{ListedItem, Notice, NoticeFacts, Restores};
use crate::domain::{Address, Cents, Channel, Day, EntryKind, Language, Profile, Recipient, Service};
use crate::typeset::{DocumentMeta, Typeset, TypesetError, Typesetter};

/// A notice in one language, with every figure written out. Letters and emails are made of it.
#[derive(Clone, Debug, Serialize)]
pub struct Part {
    /// BCP 47 code.
    pub language: Language,
    pub labels: Labels,
    pub title: String,
    pub subject: String,
    pub stub: bool,
    pub blocks: Vec<Block>,
    pub date: String,
    pub amount: String,
    /// As a sentence says it.
    pub pay_by: Option<String>,
    /// As the stub says it.
    pub pay_by_short: Option<String>,
    /// What the stub asks for: the amount, or an arrangement's first installment.
    pub stub_amount: String,
    pub shut_off_on: Option<String>,
    pub charges: Vec<ChargeRow>,
    pub charges_total: String,
    /// The deposit that the charges are without.
    pub deposit: Option<DepositRow>,
    pub installments: Vec<InstallmentRow>,
    pub ways_to_pay: Vec<WayToPay>,
    pub division: String,
    pub hours: String,
}

/// A line of the table of charges.
#[derive(Clone, Debug, Serialize)]
pub struct ChargeRow {
    pub service: String,
    pub kind: &'static str,
    pub billed: String,
    pub due: String,
    pub amount: String,
}

/// A deposit that was applied: its day, and how much.
#[derive(Clone, Debug, Serialize)]
pub struct DepositRow {
    pub date: String,
    pub amount: String,
}

/// A line of the table of installments.
#[derive(Clone, Debug, Serialize)]
pub struct InstallmentRow {
    pub number: usize,
    pub due: String,
    pub amount: String,
}

/// One way to pay: its name and how.
#[derive(Clone, Debug, Serialize)]
pub struct WayToPay {
    pub name: &'static str,
    pub how: String,
}

/// The notice in each of its languages, in their order.
///
/// # Errors
/// [`WordingError`]: no such wording, or one that asks for what the notice does not state (a pay-by date).
pub fn parts(
    city: &CityProfile,
    wordings: &Wordings,
    notice: &Notice,
    profile: &Profile,
    dated: Day,
    installments: &[Installment],
) -> Result<Vec<Part>, WordingError> {
    notice
        .languages
        .iter()
        .map(|language| part(city, wordings, notice, profile, dated, installments, *language))
        .collect()
}

/// Sets the letter.
///
/// # Errors
/// [`TypesetError`].
pub fn set(
    typesetter: &Typesetter,
    city: &CityProfile,
    notice: &Notice,
    profile: &Profile,
    dated: Day,
    parts: &[Part],
) -> Result<Typeset, TypesetError> {
    let first = parts.first();
    let title = first.map_or_else(String::new, |part| format!("{}: {}", part.title, profile.number));
    let data = json!({
        "city": {
            "name": city.name,
            "address": city.address.lines(),
            "remit_to": city.remit_to.lines(),
            "phone": city.phone,
            "email": city.email,
            "website": city.website,
            "payable_to": city.payable_to,
        },
        "to": addressed(&notice.addressee, &notice.address),
        "window": notice.channel == Channel::Mail,
        "piece": notice.id.0,
        "account": profile.number,
        "customer": breakable(&profile.customer_name),
        "service_address": profile.service_address.lines().iter().map(|line| breakable(line)).collect::<Vec<_>>(),
        "parts": parts,
    });
    let language = first.map_or(Language::English, |part| part.language);
    let meta = DocumentMeta { title, language, date: dated, author: city.name.clone() };
    typesetter.typeset("letter", &data, &meta)
}

fn addressed(addressee: &str, address: &Address) -> Vec<String> {
    std::iter::once(addressee.to_owned()).chain(address.lines()).map(|line| breakable(&line)).collect()
}

/// Letters of a word behind which it may be broken, where it is longer than any line of an address.
const LONGEST: usize = 24;

/// The text with a place to break in each very long word, so that it does not run over the edge of its letter.
fn breakable(text: &str) -> String {
    let word = |word: &str| -> String {
        if word.chars().count() <= LONGEST {
            return word.to_owned();
        }
        let letters: Vec<char> = word.chars().collect();
        let parts: Vec<String> = letters.chunks(LONGEST / 2).map(|part| part.iter().collect()).collect();
        parts.join("\u{200B}")
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

fn part(
    city: &CityProfile,
    wordings: &Wordings,
    notice: &Notice,
    profile: &Profile,
    dated: Day,
    installments: &[Installment],
    language: Language,
) -> Result<Part, WordingError> {
    let facts = &notice.facts;
    // What turns service on again is asked for with its debts.
    let fee = facts.restores.map_or(Cents::ZERO, |restores| restores.beside());
    let amount = if installments.is_empty() {
        facts.amount + fee
    } else {
        installments.iter().map(|installment| installment.amount).sum::<Cents>()
    };
    let date = |day: Day| language::long_date(day, language);
    let table_date = |day: Day| language::medium_date(day, language);
    let mut values = json!({
        "city": {
            "name": city.name,
            "division": city.division.get(language),
            "address": city.address.one_line(),
            "phone": city.phone,
            "hours": without_stop(city.hours.get(language)),
            "email": city.email,
            "website": city.website,
            "pay_online": city.pay_online,
            "policy_page": city.policy_page,
            "appeal_body": city.appeal_body.get(language),
            "legal_help": city.legal_help,
        },
        "customer": breakable(&profile.customer_name),
        "account": profile.number,
        "service_address": breakable(&profile.service_address.one_line()),
        "mailing_address": breakable(&profile.mailing_address.one_line()),
        "services": services(notice, language),
        "amount": amount.to_string(),
        "balance": facts.balance.to_string(),
        "days_past_due": facts.days_past_due,
        "citation": facts.citation,
        "dated": date(dated),
        "to_occupant": notice.recipient == Recipient::Occupant,
        "to_owner": notice.recipient == Recipient::Owner,
        "reconnection": reconnection(facts),
        "restores": restores(facts),
        "agreed": agreed(facts, language),
        "ruling": ruling(facts, language),
        "to_third_party": notice.recipient == Recipient::ThirdParty,
    });
    // A date that the notice does not state is left undefined, so that a wording which needs it is refused.
    for (name, day) in [("pay_by", facts.pay_by), ("shut_off_on", facts.shut_off_on)] {
        if let (Some(day), Some(map)) = (day, values.as_object_mut()) {
            map.insert(name.to_owned(), date(day).into());
        }
    }
    let Wording { title, subject, stub, blocks } = wordings.fill(&notice.template, language, &values)?;
    let first = installments.first();
    if first.is_none() && blocks.contains(&Block::Installments) {
        return Err(WordingError::NoInstallments { name: notice.template.clone() });
    }
    let mut labels = *language::labels(language);
    if facts.restores.is_some() || facts.ruled.is_some() {
        // The table is of what restores service, or of what was disputed, and not of all that is past due.
        labels.total = labels.amount_due;
    }
    Ok(Part {
        language,
        labels,
        title,
        subject,
        // Only the customer is asked to pay: an occupant, owner or third party owes nothing of this account.
        stub: stub && notice.recipient == Recipient::Customer,
        blocks,
        date: table_date(dated),
        amount: amount.to_string(),
        pay_by: facts.pay_by.map(date),
        pay_by_short: first.map(|installment| installment.due_on).or(facts.pay_by).map(table_date),
        stub_amount: first.map_or(amount, |installment| installment.amount).to_string(),
        deposit: facts.deposit.map(|(on, amount)| DepositRow { date: table_date(on), amount: amount.to_string() }),
        charges_total: (facts.items.iter().map(|item| item.open).sum::<Cents>() + fee).to_string(),
        shut_off_on: facts.shut_off_on.map(date),
        charges: charges(facts, fee, dated, language),
        installments: installments
            .iter()
            .enumerate()
            .map(|(index, installment)| InstallmentRow {
                number: index + 1,
                due: table_date(installment.due_on),
                amount: installment.amount.to_string(),
            })
            .collect(),
        ways_to_pay: vec![
            WayToPay { name: labels.online, how: city.pay_online.clone() },
            WayToPay { name: labels.by_phone, how: city.phone.clone() },
            WayToPay { name: labels.by_mail, how: format!("{}, {}", city.payable_to, city.remit_to.one_line()) },
            WayToPay { name: labels.in_person, how: city.address.one_line() },
        ],
        division: city.division.get(language).to_owned(),
        hours: without_stop(city.hours.get(language)).to_owned(),
    })
}

/// The table of charges; what turns service on again stands among them.
fn charges(facts: &NoticeFacts, fee: Cents, dated: Day, language: Language) -> Vec<ChargeRow> {
    let date = |day: Day| language::medium_date(day, language);
    let of_item = |item: &ListedItem| ChargeRow {
        service: language::capitalized(language::service_name(item.service, language)),
        kind: language::kind_name(item.kind, language),
        billed: date(item.billed_on),
        due: date(item.due_on),
        amount: item.open.to_string(),
    };
    let to_restore = fee.is_positive().then(|| ChargeRow {
        service: language::labels(language).reconnection.to_owned(),
        kind: language::kind_name(EntryKind::Fee, language),
        billed: date(dated),
        due: String::from("–"),
        amount: fee.to_string(),
    });
    facts.items.iter().map(of_item).chain(to_restore).collect()
}

/// What turning on again costs at most, in figures. Empty where no limit is the customer's, as of a firm: a wording asks first.
fn reconnection(facts: &NoticeFacts) -> BTreeMap<&'static str, String> {
    let limits = facts.reconnection.iter();
    limits
        .flat_map(|limits| [("in_hours", limits.in_hours.to_string()), ("after_hours", limits.after_hours.to_string())])
        .collect()
}

/// What the letter of an arrangement says beside its installments.
fn agreed(facts: &NoticeFacts, language: Language) -> BTreeMap<&'static str, String> {
    let agreed = facts.agreed.iter();
    let taken = agreed.clone().filter(|agreed| agreed.taken.is_positive()).map(|agreed| agreed.taken.to_string());
    let pay_by = agreed.filter_map(|agreed| agreed.pay_by).map(|day| language::long_date(day, language));
    taken.map(|taken| ("taken", taken)).chain(pay_by.map(|day| ("pay_by", day))).collect()
}

/// What a letter on a ruling says of it. What is zero is left out: a wording asks first.
fn ruling(facts: &NoticeFacts, language: Language) -> BTreeMap<&'static str, String> {
    let Some(ruled) = facts.ruled.as_deref() else { return BTreeMap::new() };
    let date = |day: Day| language::long_date(day, language);
    let mut said = BTreeMap::from([
        ("raised_on", date(ruled.raised_on)),
        ("on", date(ruled.on)),
        ("disputed", breakable(&ruled.disputed)),
        ("findings", breakable(&ruled.findings)),
    ]);
    let outcome = match ruled.side {
        Side::Customer => "for_you",
        Side::City => "stands",
    };
    said.insert(outcome, "yes".to_owned());
    let sums = [("credited", ruled.credited), ("owed", facts.amount)];
    said.extend(sums.into_iter().filter(|(_, sum)| sum.is_positive()).map(|(name, sum)| (name, sum.to_string())));
    said.extend(ruled.appeal_by.map(|day| ("appeal_by", date(day))));
    said.extend(ruled.on_appeal.then(|| ("on_appeal", "yes".to_owned())));
    said
}

/// What stands beside the sum that restores service, in figures: the fee in it, and all that is past due where that is more.
fn restores(facts: &NoticeFacts) -> BTreeMap<&'static str, String> {
    let fee = facts.restores.map(|restores| ("fee", restores.fee)).filter(|(_, fee)| fee.is_positive());
    // What is past due is told without that fee, which may stand among the debts listed.
    let is_more = |restores: &Restores| restores.past_due > facts.amount - restores.listed;
    let past_due = facts.restores.filter(is_more).map(|restores| ("past_due", restores.past_due));
    fee.into_iter().chain(past_due).map(|(name, amount)| (name, amount.to_string())).collect()
}

/// The services that the listed debts belong to, as a sentence names them; charges of the account as a whole only
/// where there are no others.
fn services(notice: &Notice, language: Language) -> String {
    let mut named: Vec<Service> = notice.facts.items.iter().map(|item| item.service).collect();
    named.sort_unstable();
    named.dedup();
    if named.len() > 1 {
        named.retain(|service| *service != Service::General);
    }
    let words: Vec<&str> = named.into_iter().map(|service| language::service_name(service, language)).collect();
    language::listed(&words, language)
}

/// The wordings end the sentence: hours that end in `p.m.` bring no second full stop.
fn without_stop(hours: &str) -> &str {
    hours.strip_suffix('.').unwrap_or(hours)
}

#[cfg(test)]
mod tests {
    use super::super::language::WRITTEN;
    use super::super::samples::{self, day, profile};
    use super::super::wording::names;
    use super::*;

    fn english(notice: &Notice) -> Result<Vec<Part>, WordingError> {
        parts(&CityProfile::default(), &Wordings::builtin().unwrap(), notice, &profile(), day("2026-05-04"), &[])
    }

    fn notice(template: &str, facts: NoticeFacts) -> Notice {
        Notice { facts, ..samples::notice(template, Channel::Mail, &[Language::English]) }
    }

    #[test]
    fn a_final_notice_without_a_day_to_pay_by_is_refused_and_not_printed_with_a_gap() {
        let facts = NoticeFacts { pay_by: None, ..samples::facts() };
        let error = english(&notice("final_notice", facts)).unwrap_err();
        assert!(error.to_string().contains("pay_by"), "{error}");
    }

    #[test]
    fn a_firm_is_told_how_to_restore_without_the_limits_that_are_a_households() {
        let wordings = Wordings::builtin().unwrap();
        let of = |reconnection, language| {
            let facts = NoticeFacts { reconnection, ..samples::facts() };
            let notice = Notice { languages: vec![language], ..notice("how_to_restore", facts) };
            let parts = parts(&CityProfile::default(), &wordings, &notice, &profile(), day("2026-05-04"), &[]).unwrap();
            format!("{parts:?}")
        };
        for &language in Language::ALL {
            assert!(of(samples::facts().reconnection, language).contains("$150.00"), "{language}");
            assert!(!of(None, language).contains("$150.00"), "{language}");
        }
    }

    #[test]
    fn a_tag_may_do_without_dates() {
        let facts = NoticeFacts { pay_by: None, shut_off_on: None, ..samples::facts() };
        let parts = english(&notice("shut_off_tag", facts)).unwrap();
        assert_eq!((parts[0].pay_by.as_ref(), parts[0].stub), (None, false));
    }

    #[test]
    fn only_the_customers_copy_has_a_stub_to_pay_with() {
        let mine = notice("final_notice", samples::facts());
        let stub = |recipient| english(&Notice { recipient, ..mine.clone() }).unwrap()[0].stub;
        assert!(stub(Recipient::Customer));
        assert!(!stub(Recipient::Occupant) && !stub(Recipient::Owner) && !stub(Recipient::ThirdParty));
    }

    #[test]
    fn every_notice_is_written_in_every_language() {
        let wordings = Wordings::builtin().unwrap();
        for name in names() {
            for language in Language::ALL {
                assert!(wordings.exists(&name.into(), *language), "{name} in {language}");
            }
        }
    }

    #[test]
    fn the_translations_of_a_wording_say_the_same_things_in_the_same_order() {
        fn shape(blocks: &[Block]) -> Vec<String> {
            let one = |block: &Block| match block {
                Block::Heading { .. } => "heading".to_owned(),
                Block::Paragraph { runs } => {
                    format!("paragraph, {} strong", runs.iter().filter(|run| run.strong).count())
                }
                Block::List { ordered, items } => format!("list of {}, ordered {ordered}", items.len()),
                Block::Box { blocks } => format!("box of {}", shape(blocks).join(", ")),
                Block::AmountDue => "amount due".to_owned(),
                Block::Charges => "charges".to_owned(),
                Block::Installments => "installments".to_owned(),
                Block::WaysToPay => "ways to pay".to_owned(),
            };
            blocks.iter().map(one).collect()
        }
        let installments = [Installment { due_on: day("2026-06-01"), amount: Cents::new(20_237) }];
        let (city, wordings) = (CityProfile::default(), Wordings::builtin().unwrap());
        for name in names() {
            for recipient in Recipient::ALL {
                let mut notice = Notice { recipient: *recipient, ..samples::notice(name, Channel::Mail, WRITTEN) };
                if name == "dispute_ruling" {
                    samples::tell_ruling(&mut notice.facts);
                }
                let parts = parts(&city, &wordings, &notice, &profile(), day("2026-05-04"), &installments).unwrap();
                for part in &parts[1..] {
                    let language = part.language;
                    assert_eq!(shape(&part.blocks), shape(&parts[0].blocks), "{name} to {recipient} in {language}");
                    assert_eq!(part.stub, parts[0].stub, "{name} in {language}");
                }
            }
        }
    }

    #[test]
    fn services_are_named_once_and_fees_of_the_account_only_alone() {
        let water_and_fee = notice("reminder", samples::facts());
        assert_eq!(services(&water_and_fee, Language::English), "water, sewer and refuse");
        let mut facts = samples::facts();
        facts.items.retain(|item| item.service == Service::General);
        assert_eq!(services(&notice("reminder", facts), Language::English), "account charges");
    }
}
