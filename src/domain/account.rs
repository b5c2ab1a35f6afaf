//! An account and the people around it: customer, owner, occupant.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::day::Day;
use super::ids::AccountNumber;

/// Declares a closed enum whose words are those of the files and policies.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $word)] $variant),+ }

        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word that files and policies use.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// The value that `word` names, exactly.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.word())
            }
        }
    };
}
pub(crate) use words;

words! {
    /// A service that is billed.
    Service {
        Water = "water",
        Sewer = "sewer",
        Refuse = "refuse",
        Electric = "electric",
        Gas = "gas",
        Stormwater = "stormwater",
        Irrigation = "irrigation",
        /// Charges of the account as a whole: fees that belong to no single service.
        General = "general",
    }
}

words! {
    /// Who the customer is by tariff. A blank class in a file is residential, the most protected.
    CustomerClass {
        Residential = "residential",
        MultiFamily = "multi_family",
        Commercial = "commercial",
        Industrial = "industrial",
        Government = "government",
        Irrigation = "irrigation",
    }
}

words! {
    /// Who lives at the service address. Blank is tenant-occupied, the most protected.
    Occupancy {
        Owner = "owner",
        Tenant = "tenant",
        Vacant = "vacant",
    }
}

words! {
    /// A language that notices are written in, by its BCP 47 code.
    Language {
        English = "en",
        Spanish = "es",
        Chinese = "zh",
        Tagalog = "tl",
        Vietnamese = "vi",
        Korean = "ko",
    }
}

words! {
    /// How the people at the premises are served by an account that is their landlord's.
    Metering {
        /// Each dwelling has a meter and an account of its own.
        Individual = "individually metered",
        /// One meter serves several dwellings.
        Master = "master meter",
    }
}

/// Says outright whether the customer is the landlord of those who live at the premises.
pub const LANDLORD_ACCOUNT: &str = "premises.landlord_account";
/// Whether one meter serves several dwellings.
pub const MASTER_METER: &str = "premises.master_meter";
/// How many dwellings the premises have.
pub const UNITS: &str = "premises.units";

/// A yes or a no as billing systems write them; `None` where the text is neither.
#[must_use]
pub fn yes_or_no(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "yes" | "y" | "true" | "t" | "1" => Some(true),
        "no" | "n" | "false" | "f" | "0" => Some(false),
        _ => None,
    }
}

/// A postal address in the United States.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Address {
    /// Street, with unit.
    pub line1: String,
    /// A second line, or empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub line2: String,
    pub city: String,
    /// Two letters.
    pub state: String,
    /// Five digits, or five and four with a hyphen.
    pub zip: String,
}

impl Address {
    /// Whether both name the same place; case and repeated spaces do not count.
    #[must_use]
    pub fn is_same_place(&self, other: &Self) -> bool {
        self.folded() == other.folded()
    }

    /// The lines as they stand on an envelope.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let last = format!("{}, {} {}", self.city, self.state, self.zip);
        [self.line1.clone(), self.line2.clone(), last].into_iter().filter(|line| !line.is_empty()).collect()
    }

    /// On one line.
    #[must_use]
    pub fn one_line(&self) -> String {
        self.lines().join(", ")
    }

    /// Normal form for comparison; only the five digits of the ZIP count.
    fn folded(&self) -> String {
        let zip = self.zip.get(..5).unwrap_or(&self.zip);
        [&self.line1, &self.line2, &self.city, &self.state, zip]
            .iter()
            .flat_map(|part| part.split_whitespace())
            .map(str::to_uppercase)
            .collect::<Vec<_>>()
            .join(" ")
    }
}

/// A person or firm with an address: an owner, a designated third party.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Party {
    pub name: String,
    pub address: Address,
}

/// The mark of an address to which emails do not arrive: the address itself, so that another that the billing system
/// gives is written to.
pub const UNDELIVERABLE_EMAIL: &str = "undeliverable_email";
/// Since when and why they do not.
pub const UNDELIVERABLE_BECAUSE: &str = "undeliverable_email_because";

/// The attribute with the billing system's number of the customer.
pub const CUSTOMER: &str = "customer";

/// A name as names are compared.
fn folded(name: &str) -> String {
    name.split_whitespace().map(str::to_uppercase).collect::<Vec<_>>().join(" ")
}

/// What is known of an account besides its money: the billing system's master record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    pub number: AccountNumber,
    pub customer_name: String,
    pub service_address: Address,
    pub mailing_address: Address,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// In the order in which they are to be called, ten digits each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub phones: Vec<String>,
    pub language: Language,
    pub class: CustomerClass,
    /// The services that the account has, in the file's order.
    pub services: Vec<Service>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Party>,
    pub occupancy: Occupancy,
    /// Who else is notified, where the customer named one (PUC 10010.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub third_party: Option<Party>,
    /// When service began, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Day>,
    /// When service ended; a final bill follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Day>,
    /// Further facts by name (`customer.age`, `parcel`, `opt_out_calls`), as the file gave them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
}

impl Profile {
    /// The billing system's number of the customer, the same on all accounts of one customer.
    #[must_use]
    pub fn customer(&self) -> Option<&str> {
        self.attributes.get(CUSTOMER).map(String::as_str)
    }

    /// The customer's name as names are compared: letters in capitals, one space between words.
    #[must_use]
    pub fn name_key(&self) -> String {
        folded(&self.customer_name)
    }

    /// Who the customer is, as far as two accounts can be told to be one customer's: by the billing system's number, else by name.
    #[must_use]
    pub fn who(&self) -> String {
        self.customer().map_or_else(|| self.name_key(), |customer| format!("customer {customer}"))
    }

    /// What speaks for both being the same customer, in words: the billing system's number; or the name together with a
    /// telephone number, an email address or a mailing address. Empty where nothing does: a name alone is many people's.
    #[must_use]
    pub fn matches(&self, other: &Self) -> Vec<String> {
        let mut matches = Vec::new();
        if let Some(number) = self.customer().filter(|number| other.customer() == Some(number)) {
            matches.push(format!("customer {number}"));
        }
        if self.name_key().is_empty() || self.name_key() != other.name_key() {
            return matches;
        }
        let mut contacts = Vec::new();
        contacts
            .extend(self.phones.iter().filter(|phone| other.phones.contains(phone)).map(|p| format!("telephone {p}")));
        if let (Some(one), Some(two)) = (&self.email, &other.email)
            && one.trim().eq_ignore_ascii_case(two.trim())
        {
            contacts.push(format!("email {one}"));
        }
        if self.mailing_address.is_same_place(&other.mailing_address) {
            contacts.push(format!("mailing address {}", self.mailing_address.one_line()));
        }
        if !contacts.is_empty() {
            matches.push(format!("name {}", self.customer_name));
            matches.extend(contacts);
        }
        matches
    }

    /// The attributes as people and programs are shown them: of a social security number, only that there is one. It goes
    /// to a setoff programme and nowhere else.
    #[must_use]
    pub fn shown_attributes(&self) -> BTreeMap<String, String> {
        let shown = |(name, value): (&String, &String)| {
            let is_secret = name.rsplit('.').next() == Some("ssn");
            (name.clone(), if is_secret { "on file".to_owned() } else { value.clone() })
        };
        self.attributes.iter().map(shown).collect()
    }

    /// Whether a notice to the customer would not reach the people at the service address.
    #[must_use]
    pub fn mails_elsewhere(&self) -> bool {
        !self.service_address.is_same_place(&self.mailing_address)
    }

    /// Why the customer is not taken for the owner of the premises; `None` where nothing speaks against it. In doubt two names
    /// are two people.
    #[must_use]
    pub fn is_not_owner_because(&self) -> Option<String> {
        match (self.occupancy, &self.owner) {
            (Occupancy::Tenant, _) => Some("the premises are let".to_owned()),
            (Occupancy::Vacant, None) => Some("the premises are vacant and no owner is recorded".to_owned()),
            (_, Some(owner)) if folded(&owner.name) != folded(&self.customer_name) => {
                Some(format!("{} is recorded as owner", owner.name))
            }
            (Occupancy::Owner | Occupancy::Vacant, _) => None,
        }
    }

    /// How the tenants are metered, where the account is their landlord's or manager's: the file says so, one meter serves
    /// several dwellings, there are several, the tariff is for many families, or whoever is recorded as the owner of let
    /// premises is the customer. `None` where the customer lives there, or is the tenant.
    ///
    /// Whoever is not known to have a meter of their own is taken to share one, which gives the longer notice; a word that is
    /// neither yes nor no is taken for what protects.
    #[must_use]
    pub fn landlords_tenants(&self) -> Option<Metering> {
        let says = |name: &str| {
            let text = self.attributes.get(name).map(|text| text.trim()).filter(|text| !text.is_empty())?;
            Some(yes_or_no(text).unwrap_or(true))
        };
        let folded = |name: &str| name.split_whitespace().map(str::to_uppercase).collect::<Vec<_>>().join(" ");
        let owns = |owner: &Party| folded(&owner.name) == folded(&self.customer_name);
        let is_landlords = says(LANDLORD_ACCOUNT).unwrap_or_else(|| {
            says(MASTER_METER) == Some(true)
                || self.dwellings().is_some_and(|dwellings| dwellings > 1)
                || self.class == CustomerClass::MultiFamily
                || self.occupancy == Occupancy::Tenant && self.owner.as_ref().is_some_and(owns)
        });
        let metering = if says(MASTER_METER) == Some(false) { Metering::Individual } else { Metering::Master };
        is_landlords.then_some(metering)
    }

    /// How many dwellings the premises have, where the file says so.
    #[must_use]
    pub fn dwellings(&self) -> Option<u16> {
        self.attributes.get(UNITS)?.trim().parse().ok().filter(|units| *units > 0)
    }

    /// The address to which emails are sent: the one that is known, unless an email to it has come back.
    #[must_use]
    pub fn email_that_arrives(&self) -> Option<&str> {
        let email = self.email.as_deref()?;
        let marked = self.attributes.get(UNDELIVERABLE_EMAIL);
        marked.is_none_or(|marked| !marked.trim().eq_ignore_ascii_case(email.trim())).then_some(email)
    }

    /// Why nobody can be telephoned; `None` where somebody can.
    #[must_use]
    pub fn cannot_be_called(&self) -> Option<&'static str> {
        if self.refuses_calls() {
            Some("the customer asked not to be telephoned")
        } else if self.phones.is_empty() {
            Some("there is no telephone number")
        } else {
            None
        }
    }

    /// Whether the customer has asked not to be telephoned.
    #[must_use]
    pub fn refuses_calls(&self) -> bool {
        self.attributes.get("opt_out_calls").is_some_and(|value| value == "yes")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_a_landlords_where_the_owner_of_let_premises_is_the_customer() {
        let mut profile = crate::domain::testing::profile();
        assert_eq!(profile.landlords_tenants(), None, "the customer lives there");
        profile.occupancy = Occupancy::Tenant;
        assert_eq!(profile.landlords_tenants(), None, "the customer is the tenant");
        let owner = |name: &str| Some(Party { name: name.into(), address: Address::default() });
        profile.owner = owner("Alder Homes LLC");
        assert_eq!(profile.landlords_tenants(), None, "somebody else owns it");
        profile.owner = owner("PAT  RIVERA");
        assert_eq!(profile.landlords_tenants(), Some(Metering::Master), "what is not known gives the longer notice");
        profile.attributes.insert(MASTER_METER.into(), "no".into());
        assert_eq!(profile.landlords_tenants(), Some(Metering::Individual));
        profile.attributes.insert(LANDLORD_ACCOUNT.into(), "no".into());
        assert_eq!(profile.landlords_tenants(), None, "the file says so");
    }

    #[test]
    fn many_families_and_a_shared_meter_are_a_landlords_whoever_is_said_to_live_there() {
        let mut profile = crate::domain::testing::profile();
        profile.class = CustomerClass::MultiFamily;
        assert_eq!(profile.landlords_tenants(), Some(Metering::Master));
        profile.class = CustomerClass::Residential;
        profile.attributes.insert(MASTER_METER.into(), "yes".into());
        assert_eq!(profile.landlords_tenants(), Some(Metering::Master));
        profile.attributes = [(UNITS.into(), "24".into())].into();
        assert_eq!(profile.dwellings(), Some(24));
        assert_eq!(profile.landlords_tenants(), Some(Metering::Master), "several dwellings are nobody's own home");
    }

    #[test]
    fn whoever_manages_the_homes_of_another_is_their_landlord() {
        let mut profile = crate::domain::testing::profile();
        profile.class = CustomerClass::MultiFamily;
        profile.customer_name = "Bay Property Management".into();
        profile.owner = Some(Party { name: "Alder Homes LLC".into(), address: Address::default() });
        assert_eq!(profile.landlords_tenants(), Some(Metering::Master));
        profile.attributes.insert(LANDLORD_ACCOUNT.into(), "N".into());
        assert_eq!(profile.landlords_tenants(), None, "the file says so");
    }

    #[test]
    fn a_word_of_the_billing_system_that_is_neither_yes_nor_no_protects() {
        let mut profile = crate::domain::testing::profile();
        for (word, expected) in [("Y", true), ("t", true), ("N", false), ("0", false), ("Landlord", true), ("", false)]
        {
            profile.attributes = [(LANDLORD_ACCOUNT.into(), word.into())].into();
            assert_eq!(profile.landlords_tenants().is_some(), expected, "{word:?}");
        }
    }

    #[test]
    fn the_same_place_in_other_spelling_needs_no_occupant_copy() {
        let address = |line1: &str, zip: &str| Address {
            line1: line1.into(),
            city: "Riverbend".into(),
            state: "CA".into(),
            zip: zip.into(),
            ..Address::default()
        };
        assert!(address("12 Oak  St", "95600").is_same_place(&address("12 OAK ST", "95600-1234")));
        assert!(!address("12 Oak St", "95600").is_same_place(&address("PO Box 12", "95600")));
    }

    #[test]
    fn a_customer_is_known_again_by_number_or_by_name_and_one_way_to_reach_them() {
        let pat = super::super::testing::profile();
        let at = |line1: &str| Address { line1: line1.into(), ..pat.mailing_address.clone() };
        let moved = Profile { mailing_address: at("9 New Rd"), phones: Vec::new(), email: None, ..pat.clone() };
        assert!(pat.matches(&moved).is_empty(), "a name alone is many people's");
        let reached = Profile { phones: vec!["9165550142".into()], ..moved.clone() };
        let before = Profile { phones: vec!["9165550199".into(), "9165550142".into()], ..pat.clone() };
        assert_eq!(before.matches(&reached), [format!("name {}", pat.customer_name), "telephone 9165550142".into()]);
        let married = Profile { customer_name: "Pat Stone".into(), ..reached.clone() };
        assert!(before.matches(&married).is_empty(), "a telephone is a household's");
        let numbered = |profile: &Profile| {
            let mut profile = profile.clone();
            profile.attributes.insert(CUSTOMER.into(), "C-20417".into());
            profile
        };
        assert_eq!(numbered(&before).matches(&numbered(&married)), ["customer C-20417"]);
    }
}
