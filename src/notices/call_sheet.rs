//! The day's call list on paper and as CSV, for those who call.

use serde::Serialize;
use serde_json::json;

use crate::config::CityProfile;
use crate::domain::call::ScorePart;
use crate::domain::spoken::spoken;
use crate::domain::spreadsheet::guarded;
use crate::domain::{AccountNumber, Cents, Day, Language, day};
use crate::typeset::{DocumentMeta, TypesetError, Typesetter};

/// One line of the list, in the order of the list.
#[derive(Clone, Debug, PartialEq)]
pub struct CallRow {
    pub rank: u32,
    pub account: AccountNumber,
    pub customer: String,
    /// Ten digits.
    pub phone: String,
    pub language: Language,
    /// Past due.
    pub amount: Cents,
    pub days_past_due: i64,
    pub score_milli: i64,
    pub score: Vec<ScorePart>,
    /// What is to be said.
    pub script: String,
    /// Why the call is on the list.
    pub why: String,
    pub required: bool,
    pub assigned_to: Option<String>,
}

/// What is said in every call, in its order.
const WHAT_TO_SAY: [&str; 5] = [
    "Say your name and the city's, and ask for the customer, or another adult of the household. Say nothing of the debt to anyone \
     else, and nothing in a message but the name of the city and a number to call.",
    "Offer an interpreter to whoever prefers another language.",
    "Name the address, what is past due, and for how many days. Ask what happened, and when it can be paid.",
    "Offer what there is: more time, an arrangement in installments, a review of the bill, an appeal.",
    "Ask whether someone in the household has a medical need for service. If so, note it as a hardship or medical need.",
];
/// What a call before a shut-off has to offer besides.
const WHERE_REQUIRED: &str = "Where the call is required (Health and Safety Code section 116908): offer to send the written policy, and to \
                              discuss how to avoid the shut-off: alternative schedules, deferred or reduced payments, amortization, \
                              review and appeal.";

/// The list as a PDF, US Letter across, with room to note the outcome. A letter of a name that no font has is printed as its
/// number, `[U+674E]`: one name keeps nobody's list from being printed.
///
/// # Errors
/// [`TypesetError`].
pub fn pdf(
    typesetter: &Typesetter,
    city: &CityProfile,
    listed_on: Day,
    rows: &[CallRow],
) -> Result<Vec<u8>, TypesetError> {
    let data = json!({
        "city": city.name,
        "division": city.division.get(Language::English),
        "day": day::long(listed_on),
        "total": rows.iter().map(|row| row.amount).sum::<Cents>().to_string(),
        "required": rows.iter().filter(|row| row.required).count(),
        "count": if rows.len() == 1 { "1 call".to_owned() } else { format!("{} calls", rows.len()) },
        "say": WHAT_TO_SAY,
        "say_where_required": rows.iter().any(|row| row.required).then_some(WHERE_REQUIRED),
        "rows": rows.iter().map(|row| json!({
            "rank": row.rank,
            "account": row.account,
            "customer": row.customer,
            "phone": phone(&row.phone),
            "language": row.language.word(),
            "language_name": language_name(row.language),
            "amount": row.amount.to_string(),
            "days": row.days_past_due,
            "score": points(row.score_milli),
            "parts": row.score.iter().map(|part| format!("{} {}", part.name.replace('_', " "), points(part.milli))).collect::<Vec<_>>(),
            "script": spoken(&row.script),
            "why": row.why,
            "required": row.required,
            "assigned_to": row.assigned_to,
        })).collect::<Vec<_>>(),
    });
    let meta = DocumentMeta {
        title: format!("Call list for {}", day::long(listed_on)),
        language: Language::English,
        date: listed_on,
        author: city.name.clone(),
    };
    typesetter.pdf("call_list", &typesetter.printable(data), &meta)
}

/// The list as CSV, one line a call.
///
/// # Errors
/// When a line cannot be written, which only a lack of memory causes.
pub fn csv(rows: &[CallRow]) -> Result<Vec<u8>, csv::Error> {
    #[derive(Serialize)]
    struct Line<'a> {
        rank: u32,
        account: String,
        customer: String,
        phone: &'a str,
        language: &'a str,
        amount: String,
        days_past_due: i64,
        score: String,
        score_parts: String,
        script: String,
        why: String,
        required: &'a str,
        assigned_to: String,
    }
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        let parts = row.score.iter().map(|part| format!("{}={}", part.name, points(part.milli)));
        writer.serialize(Line {
            rank: row.rank,
            account: guarded(row.account.as_str()),
            customer: guarded(&row.customer),
            phone: &row.phone,
            language: row.language.word(),
            amount: row.amount.to_plain(),
            days_past_due: row.days_past_due,
            score: points(row.score_milli),
            score_parts: parts.collect::<Vec<_>>().join("; "),
            script: guarded(&row.script),
            why: guarded(&row.why),
            required: if row.required { "yes" } else { "no" },
            assigned_to: guarded(row.assigned_to.as_deref().unwrap_or_default()),
        })?;
    }
    writer.into_inner().map_err(|error| error.into_error().into())
}

/// Thousandths of a point with one digit, rounded half away from zero: `18.0`.
fn points(milli: i64) -> String {
    let tenths = (milli.abs() + 50) / 100;
    let sign = if milli < 0 && tenths > 0 { "-" } else { "" };
    format!("{sign}{}.{}", tenths / 10, tenths % 10)
}

/// `(530) 555-0188`; anything but ten digits as it is.
fn phone(digits: &str) -> String {
    if digits.len() == 10 && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        format!("({}) {}-{}", &digits[..3], &digits[3..6], &digits[6..])
    } else {
        digits.to_owned()
    }
}

const fn language_name(language: Language) -> &'static str {
    match language {
        Language::English => "English",
        Language::Spanish => "Spanish",
        Language::Chinese => "Chinese",
        Language::Tagalog => "Tagalog",
        Language::Vietnamese => "Vietnamese",
        Language::Korean => "Korean",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_and_phones_are_written_for_people() {
        assert_eq!([18_000, 18_049, 18_050, -20, -950].map(points), ["18.0", "18.0", "18.1", "0.0", "-1.0"]);
        assert_eq!(phone("5305550188"), "(530) 555-0188");
        assert_eq!(phone("+44 20 1234"), "+44 20 1234");
    }

    fn row() -> CallRow {
        CallRow {
            rank: 1,
            account: "10-04417".into(),
            customer: "María Núñez".into(),
            phone: "5305550188".into(),
            language: Language::Spanish,
            amount: Cents::new(20_237),
            days_past_due: 45,
            score_milli: 25_100,
            score: [("amount", 10_100), ("age", 15_000)]
                .map(|(name, milli)| ScorePart { name: name.into(), milli })
                .into(),
            script: "final_notice".into(),
            why: "required before shut-off".into(),
            required: true,
            assigned_to: None,
        }
    }

    fn written(row: CallRow) -> String {
        String::from_utf8(csv(&[row]).unwrap()).unwrap()
    }

    #[test]
    fn the_csv_has_a_line_a_call_with_its_score_in_parts() {
        assert_eq!(
            written(row()),
            "rank,account,customer,phone,language,amount,days_past_due,score,score_parts,script,why,required,assigned_to\n\
             1,10-04417,María Núñez,5305550188,es,202.37,45,25.1,amount=10.1; age=15.0,final_notice,required before shut-off,yes,\n"
        );
    }

    #[test]
    fn a_name_that_no_font_can_show_does_not_hold_up_the_list() {
        let (typesetter, city) = (Typesetter::new(), CityProfile::default());
        let named = CallRow { customer: "李 Wei 🙂".into(), assigned_to: Some("Omar 🙂".into()), ..row() };
        let list = pdf(&typesetter, &city, day::parse("2026-05-08").unwrap(), &[row(), named]);
        assert!(list.is_ok_and(|pdf| pdf.starts_with(b"%PDF-")));
    }

    #[test]
    fn a_name_that_would_be_a_formula_is_text_in_the_csv() {
        let text = written(CallRow {
            customer: "=HYPERLINK(\"http://x\")".into(),
            assigned_to: Some("@Omar".into()),
            ..row()
        });
        assert!(text.contains(",\"'=HYPERLINK(\"\"http://x\"\")\",530"), "{text}");
        assert!(text.ends_with(",yes,'@Omar\n"), "{text}");
    }
}
