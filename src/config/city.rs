//! The city as its letters show it: names, addresses, hours, where to pay and where to appeal.
//!
//! Everything here is printed. What the law or the policy decides is not here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::{Address, Language};

/// A text in the languages in which it is known. English stands in for a language that is missing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Localized(pub BTreeMap<Language, String>);

impl Localized {
    /// The text in `language`, or in English, or nothing.
    #[must_use]
    pub fn get(&self, language: Language) -> &str {
        self.0.get(&language).or_else(|| self.0.get(&Language::English)).map_or("", String::as_str)
    }

    /// One text for each language, in the order of [`Language::ALL`].
    fn of(texts: [&str; 6]) -> Self {
        Self(Language::ALL.iter().copied().zip(texts.map(str::to_owned)).collect())
    }
}

/// The letterhead and all that a letter says of the city. What the file leaves out is Riverbend's in the demonstration, and
/// elsewhere a word that says what to write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CityProfile {
    /// `City of Riverbend`.
    pub name: String,
    pub division: Localized,
    /// Where the counter is.
    pub address: Address,
    /// Where checks are mailed.
    pub remit_to: Address,
    /// As printed: `(530) 555-0142`.
    pub phone: String,
    pub hours: Localized,
    /// Where customers write, and from where email comes.
    pub email: String,
    /// Without `https://`.
    pub website: String,
    pub pay_online: String,
    /// Where the written policy on discontinuation stands (H&S 116906).
    pub policy_page: String,
    /// Who decides an appeal (H&S 116908(b)).
    pub appeal_body: Localized,
    /// Where tenants find legal help for nothing, as the county's bar association recommends it (PUC 10009).
    pub legal_help: String,
    /// To whom a check is payable.
    pub payable_to: String,
}

impl CityProfile {
    /// What every letter bears, and no two cities have the same of.
    pub(super) const BORNE: &[&str] = &[
        "name",
        "address",
        "remit_to",
        "phone",
        "hours",
        "email",
        "website",
        "pay_online",
        "policy_page",
        "legal_help",
    ];

    /// With a word in the place of what the file does not say, so that nothing bears another city's.
    pub(super) fn lacking(mut self, fields: &[&'static str], has_payee: bool) -> Self {
        let words = |field: &str| match field {
            "name" => "(name of the city: set city: in arrears.yaml)".to_owned(),
            field => format!("({} of the city: set city: {field}: in arrears.yaml)", field.replace('_', " ")),
        };
        let place = |field: &str| Address { line1: words(field), state: "CA".into(), ..Address::default() };
        for field in fields {
            match *field {
                "name" => self.name = words(field),
                "address" => self.address = place(field),
                "remit_to" => self.remit_to = place(field),
                "phone" => self.phone = words(field),
                "hours" => self.hours = Localized(BTreeMap::from([(Language::English, words(field))])),
                // Where it stands as a sender it has to be one.
                "email" => self.email = "set-city-email@city.invalid".to_owned(),
                "website" => self.website = words(field),
                "pay_online" => self.pay_online = words(field),
                "policy_page" => self.policy_page = words(field),
                _ => self.legal_help = words(field),
            }
        }
        if !has_payee {
            self.payable_to.clone_from(&self.name);
        }
        self
    }

    /// The domain of the city's email, which names its messages.
    #[must_use]
    pub fn mail_domain(&self) -> &str {
        self.email.rsplit_once('@').map_or("localhost", |(_, domain)| domain)
    }
}

/// The fictional city that the demonstration plays in.
impl Default for CityProfile {
    fn default() -> Self {
        let address = |line1: &str, zip: &str| Address {
            line1: line1.into(),
            city: "Riverbend".into(),
            state: "CA".into(),
            zip: zip.into(),
            ..Address::default()
        };
        Self {
            name: "City of Riverbend".into(),
            division: Localized::of([
                "Utility Billing Division",
                "División de Facturación de Servicios Públicos",
                "公用事業帳務處",
                "Dibisyon ng Pagsingil sa Utility",
                "Phòng Hóa đơn Dịch vụ Tiện ích",
                "공공요금 청구과",
            ]),
            address: address("200 Mill Street", "95600"),
            remit_to: address("PO Box 1200", "95600-1200"),
            phone: "(530) 555-0142".into(),
            hours: Localized::of([
                "Monday to Friday, 8:00 a.m. to 5:00 p.m., except city holidays",
                "de lunes a viernes, de 8:00 a. m. a 5:00 p. m., excepto los días feriados de la ciudad",
                "週一至週五上午 8:00 至下午 5:00，市府假日除外",
                "Lunes hanggang Biyernes, 8:00 n.u. hanggang 5:00 n.h., maliban sa mga pista opisyal ng lungsod",
                "thứ Hai đến thứ Sáu, 8:00 sáng đến 5:00 chiều, trừ các ngày lễ của thành phố",
                "월요일~금요일 오전 8:00~오후 5:00, 시 공휴일 제외",
            ]),
            email: "utilities@riverbend.example".into(),
            website: "riverbend.example/utilities".into(),
            pay_online: "riverbend.example/pay".into(),
            policy_page: "riverbend.example/shutoff-policy".into(),
            appeal_body: Localized::of([
                "the City Council",
                "el Concejo Municipal",
                "市議會",
                "Konseho ng Lungsod",
                "Hội đồng Thành phố",
                "시의회",
            ]),
            legal_help: "Legal Aid of Riverbend County, (530) 555-0177".into(),
            payable_to: "City of Riverbend".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_city_writes_only_what_differs_and_a_misspelled_field_is_refused() {
        let city: CityProfile = serde_yaml::from_str("name: City of Elm\nhours: {en: Mondays}\n").unwrap();
        assert_eq!(city.name, "City of Elm");
        assert_eq!(city.hours.get(Language::Spanish), "Mondays");
        assert_eq!(city.mail_domain(), "riverbend.example");
        assert!(serde_yaml::from_str::<CityProfile>("nmae: City of Elm\n").is_err());
    }
}
