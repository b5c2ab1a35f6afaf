//! The pieces of a notice: to whom, by which channel, in which languages.
//!
//! What the law fixes stands here as code: a statutory notice never goes by email alone (15 USC 7003(b)), goes to
//! "Occupant" where the customer's mail goes elsewhere (H&S 116908(a)(1)(C)), and carries every language that a pack
//! requires. Telephone is not a piece: calls stand on the call list.

use super::language::WRITTEN;
use crate::domain::action::{NoticeAction, TagAction};
use crate::domain::case::StageRef;
use crate::domain::notice::{NewNotice, NoticeFacts};
use crate::domain::{
    AccountId, Act, ActKey, Action, Address, Channel, Day, EntryId, Language, NoticeName, Profile, Recipient,
};

/// The wording of the letter that confirms an arrangement.
pub const ARRANGEMENT_LETTER: &str = "arrangement_letter";

/// The wording of the letter on a ruling.
pub const RULING_LETTER: &str = "dispute_ruling";

/// The addressee where nobody is known by name; the law's word, and the other language's.
const OCCUPANT: &str = "Occupant / Ocupante";

/// The addressee of the notice to the tenants of a landlord's account, which hangs on every door; in Spanish too, where the
/// notice is.
#[must_use]
pub fn residents(languages: &[Language]) -> &'static str {
    if languages.contains(&Language::Spanish) { "Residents / Residentes" } else { "Residents" }
}

/// The pieces of an act: those of a notice, the one of a tag, none of anything else.
#[must_use]
pub fn of_act(act: &Act, profile: &Profile, required: &[Language]) -> Vec<NewNotice> {
    match (&act.action, &act.notice) {
        (Action::Notice(action), Some(facts)) => pieces(action, facts, profile, act, required),
        (Action::Tag(action), Some(facts)) => vec![tag_piece(action, facts, profile, act, required)],
        _ => Vec::new(),
    }
}

/// The pieces that a notice makes for an account, the customer's first. The same act gives the same pieces, each
/// unique by recipient and channel.
#[must_use]
pub fn pieces(
    action: &NoticeAction,
    facts: &NoticeFacts,
    profile: &Profile,
    act: &Act,
    required: &[Language],
) -> Vec<NewNotice> {
    let draft = Draft {
        facts,
        profile,
        act,
        required,
        template: &action.template,
        statutory: action.statutory,
        deemed_days: action.deemed_days,
    };
    let mut pieces = Vec::new();
    for recipient in &action.to {
        match recipient {
            Recipient::Customer => {
                for channel in customer_channels(action, profile) {
                    pieces.push(draft.piece(
                        channel,
                        Recipient::Customer,
                        &profile.customer_name,
                        &profile.mailing_address,
                    ));
                }
            }
            Recipient::Occupant if profile.mails_elsewhere() => {
                pieces.push(draft.piece(Channel::Mail, Recipient::Occupant, OCCUPANT, &profile.service_address));
            }
            // The customer's own copy reaches the occupant.
            Recipient::Occupant => {}
            Recipient::Owner => {
                let owner = profile.owner.as_ref().filter(|owner| {
                    owner.name != profile.customer_name || !owner.address.is_same_place(&profile.mailing_address)
                });
                if let Some(owner) = owner {
                    pieces.push(draft.piece(Channel::Mail, Recipient::Owner, &owner.name, &owner.address));
                }
            }
            Recipient::ThirdParty => {
                if let Some(party) = &profile.third_party {
                    pieces.push(draft.piece(Channel::Mail, Recipient::ThirdParty, &party.name, &party.address));
                }
            }
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    pieces.retain(|piece| seen.insert((piece.recipient, piece.channel)));
    pieces
}

/// The one piece of a tag, which a crew leaves at the premises. It speaks to whoever lives there.
#[must_use]
pub fn tag_piece(
    action: &TagAction,
    facts: &NoticeFacts,
    profile: &Profile,
    act: &Act,
    required: &[Language],
) -> NewNotice {
    let (template, statutory) = (&action.template, action.statutory);
    let draft = Draft { facts, profile, act, required, template, statutory, deemed_days: 0 };
    if action.to_tenants {
        let addressee = residents(&languages(profile, Recipient::Occupant, required, statutory));
        return draft.piece(Channel::Posting, Recipient::Occupant, addressee, &profile.service_address);
    }
    let (recipient, addressee) = if profile.mails_elsewhere() {
        (Recipient::Occupant, OCCUPANT)
    } else {
        (Recipient::Customer, profile.customer_name.as_str())
    };
    draft.piece(Channel::Posting, recipient, addressee, &profile.service_address)
}

/// The letter that confirms an arrangement: by mail, and by email as well where the customer has it, in the customer's own
/// language. It goes to the customer alone: what is agreed about a debt is nobody else's.
#[must_use]
pub fn arrangement_letter(account: AccountId, profile: &Profile, facts: &NoticeFacts, on: Day) -> Vec<NewNotice> {
    let email = profile.email_that_arrives().is_some_and(is_address).then_some(Channel::Email);
    let anchor = facts.items.first().map_or(EntryId(0), |item| item.item);
    let of = StageRef { case: 0, track: "arrangement".into(), anchor, stage: "letter".into(), round: 1 };
    let key = ActKey { account, of, service: None, n: 0 };
    let piece = |channel| NewNotice {
        key: key.clone(),
        template: ARRANGEMENT_LETTER.into(),
        channel,
        recipient: Recipient::Customer,
        addressee: profile.customer_name.clone(),
        address: profile.mailing_address.clone(),
        email: profile.email.clone().filter(|_| channel == Channel::Email),
        languages: languages(profile, Recipient::Customer, &[], false),
        statutory: false,
        deemed_days: 0,
        facts: facts.clone(),
        needs_release: false,
        planned_on: on,
    };
    std::iter::once(Channel::Mail).chain(email).map(piece).collect()
}

/// The letter that tells the ruling on a dispute: by mail, and by email as well where the customer has it, in every language that
/// the law requires. It goes to the customer alone, waits for its release, and is a round of its own each time it is made.
#[must_use]
pub fn ruling_letter(
    account: AccountId,
    profile: &Profile,
    facts: &NoticeFacts,
    required: &[Language],
    round: u16,
    on: Day,
) -> Vec<NewNotice> {
    let Some(ruled) = &facts.ruled else { return Vec::new() };
    let email = profile.email_that_arrives().is_some_and(is_address).then_some(Channel::Email);
    // No stage orders it, and no case has the number 0: the dispute stands in the anchor's place.
    let stage = if ruled.on_appeal { "appeal" } else { "ruling" };
    let of =
        StageRef { case: 0, track: "dispute".into(), anchor: EntryId(ruled.dispute.0), stage: stage.into(), round };
    let key = ActKey { account, of, service: None, n: 0 };
    let piece = |channel| NewNotice {
        key: key.clone(),
        template: RULING_LETTER.into(),
        channel,
        recipient: Recipient::Customer,
        addressee: profile.customer_name.clone(),
        address: profile.mailing_address.clone(),
        email: profile.email.clone().filter(|_| channel == Channel::Email),
        languages: languages(profile, Recipient::Customer, required, true),
        statutory: true,
        deemed_days: 0,
        facts: facts.clone(),
        needs_release: true,
        planned_on: on,
    };
    std::iter::once(Channel::Mail).chain(email).map(piece).collect()
}

/// Whether an email can be sent there at all; what a file gives may be anything.
fn is_address(email: &str) -> bool {
    email.trim().parse::<lettre::Address>().is_ok()
}

/// The channels that serve the customer, in the policy's order. Mail stands in for email that there is none of or that
/// does not arrive, and beside email where the notice is statutory.
fn customer_channels(action: &NoticeAction, profile: &Profile) -> Vec<Channel> {
    let mut channels: Vec<Channel> = Vec::new();
    for channel in &action.by {
        match channel {
            Channel::Mail | Channel::Posting | Channel::Hand => channels.push(*channel),
            Channel::Email if profile.email_that_arrives().is_some_and(is_address) => {
                channels.push(Channel::Email);
            }
            Channel::Email => channels.push(Channel::Mail),
            Channel::Phone => {}
        }
    }
    let on_paper = channels.iter().any(|channel| *channel != Channel::Email);
    if channels.is_empty() || (action.statutory && !on_paper) {
        channels.push(Channel::Mail);
    }
    channels
}

/// The languages in which a piece is written, the reader's first. A statutory notice has all that the law requires, and
/// English at least; an occupant, of whom no language is known, reads them in the law's order.
fn languages(profile: &Profile, recipient: Recipient, required: &[Language], statutory: bool) -> Vec<Language> {
    let preferred = match recipient {
        Recipient::Occupant => None,
        Recipient::Customer | Recipient::Owner | Recipient::ThirdParty => Some(profile.language),
    };
    let is_due = |language: &Language| match preferred {
        Some(preferred) if !statutory => *language == preferred,
        _ => *language == Language::English || required.contains(language) || Some(*language) == preferred,
    };
    let mut written: Vec<Language> = WRITTEN.iter().copied().filter(is_due).collect();
    written.sort_by_key(|language| Some(*language) != preferred);
    written
}

/// What all pieces of an act share.
struct Draft<'a> {
    facts: &'a NoticeFacts,
    profile: &'a Profile,
    act: &'a Act,
    /// The languages that the law requires of a statutory notice to this account.
    required: &'a [Language],
    template: &'a NoticeName,
    statutory: bool,
    deemed_days: u16,
}

impl Draft<'_> {
    fn piece(&self, channel: Channel, recipient: Recipient, addressee: &str, address: &Address) -> NewNotice {
        NewNotice {
            key: self.act.key.clone(),
            template: self.template.clone(),
            channel,
            recipient,
            addressee: addressee.to_owned(),
            address: address.clone(),
            email: self.profile.email.clone().filter(|_| channel == Channel::Email),
            languages: languages(self.profile, recipient, self.required, self.statutory),
            statutory: self.statutory,
            deemed_days: self.deemed_days,
            facts: self.facts.clone(),
            planned_on: self.act.for_day,
            needs_release: self.act.needs_release,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{day, facts, profile, stage};
    use super::*;
    use crate::domain::RuleId;
    use crate::domain::account::UNDELIVERABLE_EMAIL;
    use crate::domain::decision::{Finding, Verdict};

    fn act(action: &NoticeAction) -> Act {
        Act {
            key: ActKey { account: AccountId(17), of: stage(), service: None, n: 0 },
            action: Action::Notice(action.clone()),
            amount: None,
            for_day: day("2026-05-04"),
            notice: Some(facts()),
            needs_release: true,
            because: Finding {
                rule: RuleId(0),
                track: None,
                stage: None,
                verdict: Verdict::Acts,
                facts: Vec::new(),
                until: None,
            },
        }
    }

    const CALIFORNIA: &[Language] = &[
        Language::English,
        Language::Spanish,
        Language::Chinese,
        Language::Tagalog,
        Language::Vietnamese,
        Language::Korean,
    ];

    fn planned(by: &[Channel], to: &[Recipient], statutory: bool, profile: &Profile) -> Vec<NewNotice> {
        let action = NoticeAction {
            template: "final_notice".into(),
            by: by.to_vec(),
            statutory,
            to: to.to_vec(),
            deemed_days: 5,
        };
        pieces(&action, &facts(), profile, &act(&action), CALIFORNIA)
    }

    fn ways(pieces: &[NewNotice]) -> Vec<(Recipient, Channel)> {
        pieces.iter().map(|piece| (piece.recipient, piece.channel)).collect()
    }

    const CUSTOMER: &[Recipient] = &[Recipient::Customer];

    #[test]
    fn a_statutory_notice_by_email_is_mailed_as_well() {
        let email = planned(&[Channel::Email], CUSTOMER, true, &profile());
        assert_eq!(ways(&email), [(Recipient::Customer, Channel::Email), (Recipient::Customer, Channel::Mail)]);
        assert_eq!(email[1].email, None);
    }

    #[test]
    fn a_reminder_by_email_goes_by_mail_to_a_customer_without_email() {
        let email = planned(&[Channel::Email], CUSTOMER, false, &profile());
        assert_eq!(ways(&email), [(Recipient::Customer, Channel::Email)]);
        let without = Profile { email: None, ..profile() };
        assert_eq!(
            ways(&planned(&[Channel::Email], CUSTOMER, false, &without)),
            [(Recipient::Customer, Channel::Mail)]
        );
        let both = planned(&[Channel::Mail, Channel::Email], CUSTOMER, false, &without);
        assert_eq!(ways(&both), [(Recipient::Customer, Channel::Mail)], "one letter, not two");
    }

    #[test]
    fn the_occupant_has_a_copy_at_the_service_address_where_mail_goes_elsewhere() {
        let to = [Recipient::Customer, Recipient::Occupant, Recipient::Owner, Recipient::ThirdParty];
        let elsewhere = planned(&[Channel::Mail], &to, true, &profile());
        assert_eq!(
            ways(&elsewhere),
            [
                (Recipient::Customer, Channel::Mail),
                (Recipient::Occupant, Channel::Mail),
                (Recipient::ThirdParty, Channel::Mail)
            ]
        );
        assert_eq!(
            (elsewhere[1].addressee.as_str(), elsewhere[1].address.line1.as_str()),
            (OCCUPANT, "418 Alder Court")
        );
        let at_home = Profile { mailing_address: profile().service_address, ..profile() };
        assert!(ways(&planned(&[Channel::Mail], &to, true, &at_home)).iter().all(|(to, _)| *to != Recipient::Occupant));
    }

    #[test]
    fn the_customers_language_comes_first_and_a_statutory_notice_has_all_that_the_law_requires() {
        use Language::{Chinese, English, Korean, Spanish, Tagalog, Vietnamese};
        let languages = |language, statutory| {
            let customer = Profile { language, ..profile() };
            planned(&[Channel::Mail], CUSTOMER, statutory, &customer)[0].languages.clone()
        };
        assert_eq!(languages(English, true), [English, Spanish, Chinese, Tagalog, Vietnamese, Korean]);
        assert_eq!(languages(Korean, true), [Korean, English, Spanish, Chinese, Tagalog, Vietnamese]);
        assert_eq!(languages(Spanish, false), [Spanish]);
        assert_eq!(languages(Korean, false), [Korean]);
    }

    #[test]
    fn where_no_law_names_languages_a_statutory_notice_is_in_the_customers_and_in_english() {
        let action = NoticeAction {
            template: "final_notice".into(),
            by: vec![Channel::Mail],
            statutory: true,
            to: vec![Recipient::Customer, Recipient::Occupant],
            deemed_days: 5,
        };
        let pieces = pieces(&action, &facts(), &profile(), &act(&action), &[]);
        assert_eq!(pieces[0].languages, [Language::Spanish, Language::English]);
        assert_eq!(pieces[1].languages, [Language::English], "of an occupant no language is known");
    }

    #[test]
    fn a_tag_is_posted_at_the_service_address() {
        let tag = TagAction { template: "shut_off_tag".into(), statutory: true, to_tenants: false, doors: None };
        let action = NoticeAction {
            template: "shut_off_tag".into(),
            by: Vec::new(),
            statutory: true,
            to: Vec::new(),
            deemed_days: 0,
        };
        let piece = tag_piece(&tag, &facts(), &profile(), &act(&action), CALIFORNIA);
        assert_eq!((piece.channel, piece.recipient), (Channel::Posting, Recipient::Occupant));
        assert_eq!(piece.address, profile().service_address);
    }

    #[test]
    fn the_letter_of_an_arrangement_goes_by_mail_alone_where_emails_do_not_arrive() {
        let mut profile = profile();
        profile.email = Some("rosa.munoz@example.com".into());
        let channels = |profile: &Profile| {
            let letter = arrangement_letter(AccountId(17), profile, &facts(), day("2026-05-04"));
            letter.iter().map(|piece| piece.channel).collect::<Vec<_>>()
        };
        assert_eq!(channels(&profile), [Channel::Mail, Channel::Email]);
        profile.attributes.insert(UNDELIVERABLE_EMAIL.into(), "rosa.munoz@example.com".into());
        assert_eq!(channels(&profile), [Channel::Mail]);
    }
}
