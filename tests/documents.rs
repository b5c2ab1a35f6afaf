//! Every kind of PDF and email, examined by programs that other people wrote: qpdf, poppler's pdftotext, Python's
//! email package and the SMTP server aiosmtpd. A program that is missing fails the test with its Debian package.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use arrears::config::CityProfile;
use arrears::domain::account::Party;
use arrears::domain::action::ReconnectionLimits;
use arrears::domain::arrangement::Installment;
use arrears::domain::call::ScorePart;
use arrears::domain::case::StageRef;
use arrears::domain::day::parse;
use arrears::domain::dispute::Side;
use arrears::domain::document::Document;
use arrears::domain::ledger::EntryKind;
use arrears::domain::notice::{ListedItem, NewNotice, Notice, NoticeFacts, Ruled};
use arrears::domain::{
    AccountId, ActKey, Address, BatchId, Cents, Channel, CustomerClass, Day, DisputeId, EntryId, Language, NoticeId,
    Occupancy, Profile, Recipient, Service,
};
use arrears::notices::batch::{self, Letter};
use arrears::notices::call_sheet::{self, CallRow};
use arrears::notices::deliver::SmtpSettings;
use arrears::notices::email::message_name;
use arrears::notices::language::WRITTEN;
use arrears::notices::{Delivery, Mailer, Press, Wordings, render, render_arrangement};
use arrears::typeset::{Typesetter, pages_of};
use tempfile::TempDir;

#[path = "common/validator.rs"]
mod validator;

const BOTH: &[Language] = &[Language::Spanish, Language::English];

fn day(text: &str) -> Day {
    parse(text).unwrap()
}

fn address(line1: &str) -> Address {
    Address {
        line1: line1.into(),
        city: "Riverbend".into(),
        state: "CA".into(),
        zip: "95600".into(),
        ..Address::default()
    }
}

fn profile() -> Profile {
    Profile {
        number: "10-04417".into(),
        customer_name: "María Núñez".into(),
        service_address: address("418 Alder Court"),
        mailing_address: address("77 Orchard Lane, Unit 3"),
        email: Some("maria.nunez@mail.example".into()),
        phones: vec!["5305550188".into()],
        language: Language::Spanish,
        class: CustomerClass::Residential,
        services: vec![Service::Water, Service::Sewer, Service::Refuse],
        owner: None,
        occupancy: Occupancy::Tenant,
        third_party: Some(Party { name: "Jorge Núñez".into(), address: address("5 Ferry Street") }),
        since: None,
        ended: None,
        attributes: BTreeMap::new(),
    }
}

fn facts() -> NoticeFacts {
    let item = |id, service, kind, billed: &str, due: &str, cents| ListedItem {
        item: EntryId(id),
        service,
        kind,
        billed_on: day(billed),
        due_on: day(due),
        open: Cents::new(cents),
    };
    NoticeFacts {
        items: vec![
            item(1, Service::Water, EntryKind::Charge, "2026-02-27", "2026-03-20", 11_842),
            item(2, Service::Sewer, EntryKind::Charge, "2026-02-27", "2026-03-20", 4_615),
            item(3, Service::Refuse, EntryKind::Charge, "2026-02-27", "2026-03-20", 2_280),
            item(4, Service::General, EntryKind::Fee, "2026-04-01", "2026-04-01", 1_500),
        ],
        amount: Cents::new(20_237),
        balance: Cents::new(38_912),
        days_past_due: 45,
        pay_by: Some(day("2026-05-20")),
        shut_off_on: Some(day("2026-05-27")),
        citation: "Riverbend Municipal Code 13.04.110".into(),
        deposit: None,
        restores: None,
        agreed: None,
        ruled: None,
        reconnection: Some(ReconnectionLimits {
            in_hours: Cents::new(5_000),
            after_hours: Cents::new(15_000),
            of: 2021,
        }),
    }
}

fn notice(template: &str, channel: Channel, languages: &[Language]) -> Notice {
    let profile = profile();
    NewNotice {
        key: ActKey {
            account: AccountId(17),
            of: StageRef {
                case: 1,
                track: "shut_off".into(),
                anchor: EntryId(1),
                stage: "final_notice".into(),
                round: 1,
            },
            service: None,
            n: 0,
        },
        template: template.into(),
        channel,
        recipient: Recipient::Customer,
        addressee: profile.customer_name,
        address: profile.mailing_address,
        email: profile.email,
        languages: languages.to_vec(),
        statutory: true,
        deemed_days: 5,
        facts: facts(),
        planned_on: day("2026-05-04"),
        needs_release: true,
    }
    .into_notice(NoticeId(4_711))
}

fn rendered(notice: &Notice) -> Document {
    let (typesetter, city, wordings) = (Typesetter::new(), CityProfile::default(), Wordings::builtin().unwrap());
    let press = Press { typesetter: &typesetter, city: &city, wordings: &wordings };
    render(press, notice, &profile(), day("2026-05-04")).unwrap()
}

/// Runs a program that the tests need, and says what to install where it is missing.
fn run(program: &str, package: &str, arguments: &[&str]) -> Output {
    match Command::new(program).args(arguments).output() {
        Ok(output) => output,
        Err(error) => panic!("{program} cannot be run ({error}): install it with `apt-get install {package}`"),
    }
}

/// Writes the PDF, has qpdf check it, and returns its text as pdftotext reads it, in reading order and on one line.
fn checked_text(folder: &Path, name: &str, pdf: &[u8]) -> String {
    let path = folder.join(name);
    std::fs::write(&path, pdf).unwrap();
    let path = path.to_str().unwrap();
    let check = run("qpdf", "qpdf", &["--check", path]);
    assert!(check.status.success(), "{name}: {}", String::from_utf8_lossy(&check.stdout));
    let text = run("pdftotext", "poppler-utils", &["-raw", path, "-"]);
    assert!(text.status.success(), "{name}: {}", String::from_utf8_lossy(&text.stderr));
    String::from_utf8(text.stdout).unwrap().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A folder for the PDFs: kept, where `ARREARS_KEEP_DOCUMENTS` names one, so that a person can look at them.
fn folder() -> (std::path::PathBuf, Option<TempDir>) {
    if let Some(kept) = std::env::var_os("ARREARS_KEEP_DOCUMENTS") {
        std::fs::create_dir_all(&kept).unwrap();
        return (kept.into(), None);
    }
    let folder = tempfile::tempdir().unwrap();
    (folder.path().to_owned(), Some(folder))
}

#[track_caller]
fn assert_says(text: &str, sentences: &[&str]) {
    for sentence in sentences {
        assert!(text.contains(sentence), "{sentence:?} is not in: {text}");
    }
}

#[test]
fn a_final_notice_states_all_that_the_law_requires_in_both_languages() {
    let (folder, _guard) = folder();
    let letter = rendered(&notice("final_notice", Channel::Mail, BOTH));
    let text = checked_text(&folder, "final_notice.pdf", &letter.bytes);
    // H&S 116908(a)(1)(C)(i) to (vi), in order.
    assert_says(
        &text,
        &[
            "María Núñez, 77 Orchard Lane, Unit 3, Riverbend, CA 95600",
            "$202.37",
            "by Wednesday, May 20, 2026",
            "apply for an extension of time to pay",
            "petition for a review of the bill",
            "you may appeal to the City Council",
            "deferred, reduced or alternative payment schedule",
            "How service is restored",
        ],
    );
    assert_says(
        &text,
        &[
            "a más tardar el miércoles 20 de mayo de 2026",
            "solicitar una prórroga",
            "solicitar la revisión de la factura",
            "puede apelar ante el Concejo Municipal",
            "Un plan de pagos diferido, reducido o alternativo",
            "Cómo se restablece el servicio",
        ],
    );
    assert!(text.find("Aviso final").unwrap() < text.find("Final notice before").unwrap(), "Spanish is hers");
    assert!(!text.contains("Your rights if you rent"), "the customer's copy");
    let path = folder.join("final_notice.pdf");
    let plain = run("qpdf", "qpdf", &["--qdf", "--object-streams=disable", path.to_str().unwrap(), "-"]);
    let tags = String::from_utf8_lossy(&plain.stdout);
    for language in ["/Lang (es-US)", "/Lang (en-US)"] {
        assert!(tags.contains(language), "a reading program is told the language of each part: {language}");
    }
}

#[test]
fn the_occupants_copy_tells_of_the_right_to_become_the_customer() {
    let (folder, _guard) = folder();
    let copy = Notice {
        recipient: Recipient::Occupant,
        addressee: "Occupant / Ocupante".into(),
        address: profile().service_address,
        ..notice("final_notice", Channel::Mail, &[Language::English, Language::Spanish])
    };
    let text = checked_text(&folder, "final_notice_occupant.pdf", &rendered(&copy).bytes);
    assert_says(
        &text,
        &[
            "Occupant / Ocupante 418 Alder Court",
            "without paying any amount that is due on this account",
            "sin pagar ninguna cantidad adeudada en esta cuenta",
        ],
    );
}

fn ruled() -> Ruled {
    Ruled {
        dispute: DisputeId(7),
        on_appeal: false,
        raised_on: day("2026-04-13"),
        disputed: "the bill is twice the usual".into(),
        side: Side::City,
        on: day("2026-05-04"),
        findings: "the meter was tested, and reads right".into(),
        credited: Cents::ZERO,
        appeal_by: Some(day("2026-05-14")),
    }
}

#[test]
fn every_wording_makes_an_accessible_letter_in_every_language() {
    let (folder, _guard) = folder();
    let installments = [
        Installment { due_on: day("2026-06-01"), amount: Cents::new(10_119) },
        Installment { due_on: day("2026-07-01"), amount: Cents::new(10_118) },
    ];
    let mut letters = Vec::new();
    for name in arrears::notices::wording::names() {
        for language in WRITTEN {
            let language = *language;
            let mut notice = notice(name, Channel::Mail, &[language]);
            if name == "dispute_ruling" {
                notice.facts.ruled = Some(Box::new(ruled()));
            }
            let set = || {
                let city = CityProfile::default();
                let dated = day("2026-05-04");
                let agreed = if name == "arrangement_letter" { &installments[..] } else { &[] };
                let (typesetter, wordings) = (Typesetter::new(), Wordings::builtin().unwrap());
                let press = Press { typesetter: &typesetter, city: &city, wordings: &wordings };
                render_arrangement(press, &notice, &profile(), dated, agreed).unwrap()
            };
            let letter = set();
            assert_eq!(letter, set(), "{name}: the same bytes again");
            let text = checked_text(&folder, &format!("{name}_{language}.pdf"), &letter.bytes);
            letters.push(folder.join(format!("{name}_{language}.pdf")));
            assert_says(&text, &["María Núñez 77 Orchard Lane, Unit 3 Riverbend, CA 95600", "10-04417"]);
            let names_a_debt = text.contains("$202.37");
            assert_eq!(names_a_debt, name != "tenants_notice", "{name}: tenants are told of no debt of the landlord's");
            let info =
                run("pdfinfo", "poppler-utils", &[folder.join(format!("{name}_{language}.pdf")).to_str().unwrap()]);
            assert_says(
                &String::from_utf8_lossy(&info.stdout),
                &["Tagged:          yes", "(letter)", "City of Riverbend"],
            );
            let claims = run(
                "pdfinfo",
                "poppler-utils",
                &["-meta", folder.join(format!("{name}_{language}.pdf")).to_str().unwrap()],
            );
            assert_says(
                &String::from_utf8_lossy(&claims.stdout),
                &["<pdfuaid:part>1<", "<pdfaid:part>2<", "<pdfaid:conformance>A<", &format!("<rdf:li>{language}-US<")],
            );
            let pages = pages_of(&letter.bytes).unwrap();
            assert!(pages <= 2, "{name} in one language fits one sheet, and has {pages} pages");
            assert!(name != "reminder" || pages == 1, "a reminder fits one page");
        }
    }
    validator::assert_conform(&letters);
}

#[test]
fn a_statutory_notice_in_six_languages_fits_its_envelope_and_conforms() {
    let (folder, _guard) = folder();
    let mut letters = Vec::new();
    for (name, channel, most) in [("final_notice", Channel::Mail, 6), ("shut_off_tag", Channel::Posting, 4)] {
        for recipient in [Recipient::Customer, Recipient::Occupant] {
            let notice = Notice { recipient, ..notice(name, channel, WRITTEN) };
            let letter = rendered(&notice);
            let file = format!("{name}_to_{recipient}_in_six.pdf");
            let text = checked_text(&folder, &file, &letter.bytes);
            let pay_by = [
                "Wednesday, May 20, 2026",
                "miércoles 20 de mayo de 2026",
                "2026年5月20日星期三",
                "Miyerkules, Mayo 20, 2026",
                "thứ Tư, ngày 20 tháng 5 năm 2026",
                "2026년 5월 20일 수요일",
            ];
            let unspaced = |text: &str| text.split_whitespace().collect::<String>();
            for day in pay_by {
                assert!(unspaced(&text).contains(&unspaced(day)), "{file} says {day}: {text}");
            }
            let pages = pages_of(&letter.bytes).unwrap();
            assert!(pages <= most, "{file} has {pages} pages: three sheets go into an envelope of one ounce with it");
            letters.push(folder.join(file));
        }
    }
    validator::assert_conform(&letters);
}

#[test]
fn the_stub_of_an_arrangement_asks_for_its_first_installment() {
    let (folder, _guard) = folder();
    let notice = notice("arrangement_letter", Channel::Mail, &[Language::English]);
    let set = |installments: &[Installment]| {
        let city = CityProfile::default();
        let (typesetter, wordings) = (Typesetter::new(), Wordings::builtin().unwrap());
        let press = Press { typesetter: &typesetter, city: &city, wordings: &wordings };
        render_arrangement(press, &notice, &profile(), day("2026-05-04"), installments)
    };
    let installments = [
        Installment { due_on: day("2026-06-01"), amount: Cents::new(12_000) },
        Installment { due_on: day("2026-07-01"), amount: Cents::new(8_237) },
    ];
    let text = checked_text(&folder, "arrangement_stub.pdf", &set(&installments).unwrap().bytes);
    assert_says(&text, &["Pay by June 1, 2026 Amount due $120.00", "You agreed to pay $202.37"]);
    let error = set(&[]).unwrap_err().to_string();
    assert!(error.ends_with("lists installments, and none are given: it is rendered with its arrangement"), "{error}");
}

/// The window of a #10 envelope shows 0.875 to 5.375 in from its left and 0.5 to 1.625 in from its bottom; the folded
/// sheet is 3.667 in high in an envelope of 4.125 in, and 8.5 in wide in 9.5 in.
#[test]
fn the_address_shows_in_the_window_wherever_the_sheet_slides_and_nothing_else_does() {
    let (folder, _guard) = folder();
    let short = notice("final_notice", Channel::Mail, BOTH);
    let crowded = Notice {
        addressee: "Sacramento Valley Residential Property Management Holdings LLC".into(),
        address: Address { line2: "Attention: Accounts Payable".into(), ..address("1200 Old Orchard Lane, Suite 300") },
        ..short.clone()
    };
    for (name, notice) in [("window.pdf", short), ("window_crowded.pdf", crowded)] {
        checked_text(&folder, name, &rendered(&notice).bytes);
        let path = folder.join(name);
        let words = run("pdftotext", "poppler-utils", &["-bbox", "-l", "1", path.to_str().unwrap(), "-"]);
        let words = String::from_utf8(words.stdout).unwrap();
        let mut shown = Vec::new();
        for line in words.lines().filter(|line| line.contains("<word ")) {
            let (left, right) = (inches(line, "xMin"), inches(line, "xMax"));
            let (top, bottom) = (inches(line, "yMin"), inches(line, "yMax"));
            // In the window for some position of the sheet: up to 1 in sideways, up to 0.458 in down.
            if right > -0.125 && left < 5.375 && bottom > 2.042 && top < 3.625 {
                shown.push(line.split_once('>').unwrap().1.replace("</word>", ""));
                // In the window for every position.
                assert!(left >= 0.875 && right <= 4.375 && top >= 2.45 && bottom <= 3.167, "{name}: {line}");
            }
        }
        let address = [vec![notice.addressee], notice.address.lines()].concat();
        assert_eq!(shown.join(" "), address.join(" "));
    }
}

/// The value of an attribute of a word's box, which is in points.
fn inches(line: &str, name: &str) -> f64 {
    let (_, rest) = line.split_once(&format!("{name}=\"")).unwrap();
    rest.split('"').next().unwrap().parse::<f64>().unwrap() / 72.0
}

#[test]
fn a_print_batch_holds_its_letters_each_from_the_front_of_a_sheet() {
    let (folder, _guard) = folder();
    let letter = |piece: i64, template: &str, zip: &str| {
        let notice = Notice { id: NoticeId(piece), ..notice(template, Channel::Mail, BOTH) };
        Letter {
            piece: notice.id,
            account: profile().number,
            addressee: notice.addressee.clone(),
            zip: zip.into(),
            document: rendered(&notice),
        }
    };
    let letters = vec![letter(2, "reminder", "95601"), letter(1, "final_notice", "95600")];
    let city = CityProfile::default();
    let written = batch::write(&Typesetter::new(), &city, &folder, BatchId(1), day("2026-05-04"), letters).unwrap();
    let merged = std::fs::read(folder.join(&written.path)).unwrap();
    let text = checked_text(&folder, "batch.pdf", &merged);
    assert!(text.find("Aviso final").unwrap() < text.find("Recordatorio").unwrap(), "by ZIP");
    let last = written.lines.last().unwrap();
    let fronts = u32::try_from(pages_of(&merged).unwrap()).unwrap() - last.pages;
    assert_eq!(fronts, 2 * written.lines[0].sheets, "the second letter begins on a new sheet");
}

#[test]
fn the_call_list_prints() {
    let (folder, _guard) = folder();
    let row = |rank: u32, customer: &str, language, required: bool| CallRow {
        rank,
        account: format!("10-0{}", 4_400 + rank).into(),
        customer: customer.into(),
        phone: "5305550188".into(),
        language,
        amount: Cents::new(20_237 + i64::from(rank) * 731),
        days_past_due: 45 + i64::from(rank),
        score_milli: 60_100 - i64::from(rank) * 1_370,
        score: [("amount", 10_100), ("age", 15_000), ("broken_promise", 25_000), ("shut_off_soon", 10_000)]
            .map(|(name, milli)| ScorePart { name: name.into(), milli })
            .into(),
        script: "impending_discontinuance".into(),
        why: "Shut-off is planned for May 27; contact is required at least 7 business days before".into(),
        required,
        assigned_to: Some("R. Okafor".into()),
    };
    let rows: Vec<CallRow> = (1..=40)
        .map(|rank| match rank % 3 {
            0 => row(rank, "María Núñez", Language::Spanish, true),
            1 => row(rank, "Sacramento Valley Property Holdings LLC", Language::English, false),
            _ => row(rank, "Dana Whitfield", Language::English, false),
        })
        .collect();
    let pdf = call_sheet::pdf(&Typesetter::new(), &CityProfile::default(), day("2026-05-04"), &rows).unwrap();
    let text = checked_text(&folder, "call_list.pdf", &pdf);
    assert_says(&text, &["Call list for Monday, May 4, 2026", "40 calls", "(530) 555-0188", "María Núñez", "Spanish"]);
}

/// Prints the parts of a message, one a line: type, then the text on one line.
const READ_EMAIL: &str = r"
import sys, email, email.policy
message = email.message_from_bytes(sys.stdin.buffer.read(), policy=email.policy.default)
assert not message.defects, message.defects
for name in ('From', 'To', 'Subject', 'Date', 'Message-ID', 'Auto-Submitted'):
    print(name, '=', message[name])
for part in message.walk():
    assert not part.defects, part.defects
    if not part.is_multipart():
        print(part.get_content_type(), '=', ' '.join(part.get_content().split()))
";

#[test]
fn another_program_reads_the_email_with_its_text_and_its_html() {
    use std::io::Write;
    let email = rendered(&notice("final_notice", Channel::Email, BOTH));
    let mut python = Command::new("python3")
        .args(["-c", READ_EMAIL])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("python3 cannot be run ({error}): install it with `apt-get install python3`"));
    python.stdin.take().unwrap().write_all(&email.bytes).unwrap();
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success());
    let read = String::from_utf8(output.stdout).unwrap();
    let line = |name: &str| read.lines().find_map(|line| line.strip_prefix(&format!("{name} = "))).unwrap();
    assert_eq!(line("From"), "City of Riverbend <utilities@riverbend.example>");
    assert_eq!(line("To"), "María Núñez <maria.nunez@mail.example>");
    assert_eq!(
        line("Subject"),
        "Aviso final: actúe a más tardar el miércoles 20 de mayo de 2026 para evitar el corte / \
         Final notice: act by Wednesday, May 20, 2026 to avoid shut-off"
    );
    for kind in ["text/plain", "text/html"] {
        assert_says(line(kind), &["Solicítela a más tardar el", "petition for a review of the bill", "$202.37"]);
    }
}

/// A mail server on a port of its own that keeps what it gets, answers 451 to `later@` and 550 to `never@`.
const MAIL_SERVER: &str = r"
import asyncio, sys
from aiosmtpd.controller import Controller
class Keep:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith('later@'): return '451 4.2.1 mailbox busy'
        if address.startswith('never@'): return '550 5.1.1 no such user'
        envelope.rcpt_tos.append(address)
        return '250 OK'
    async def handle_DATA(self, server, session, envelope):
        with open(sys.argv[1], 'wb') as file: file.write(envelope.original_content)
        return '250 kept'
controller = Controller(Keep(), hostname='127.0.0.1', port=int(sys.argv[2]))
controller.start()
print('ready', flush=True)
sys.stdin.read()
controller.stop()
";

/// The first Python that has aiosmtpd. Debian's own is tried by its path too, for another may stand before it.
fn python_with_aiosmtpd() -> &'static str {
    ["python3", "/usr/bin/python3"]
        .into_iter()
        .find(|python| {
            let imported = Command::new(python).args(["-c", "import aiosmtpd"]).stderr(Stdio::null()).status();
            imported.is_ok_and(|status| status.success())
        })
        .expect("no Python has aiosmtpd: install it with `apt-get install python3-aiosmtpd`")
}

/// Ends the server with the test.
struct MailServer(Child);

impl Drop for MailServer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl MailServer {
    fn start(keep: &Path, port: u16) -> Self {
        use std::io::{BufRead, BufReader};
        let python = python_with_aiosmtpd();
        let mut child = Command::new(python)
            .args(["-c", MAIL_SERVER, keep.to_str().unwrap(), &port.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n", "the mail server did not start; its own words stand above");
        Self(child)
    }
}

#[tokio::test]
async fn a_real_mail_server_takes_the_kept_bytes_and_its_refusals_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let keep = folder.path().join("message");
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let _server = MailServer::start(&keep, port);
    let mailer = Mailer::smtp(SmtpSettings { port, ..SmtpSettings::default() }).unwrap();
    let notice = notice("final_notice", Channel::Email, BOTH);
    let email = rendered(&notice);
    let name = message_name(&notice);
    let from = CityProfile::default().email;
    let sent = mailer.send(&name, &from, "maria.nunez@mail.example", &email.bytes).await;
    assert_eq!(sent, Delivery::Accepted("kept".into()));
    let kept = String::from_utf8(std::fs::read(&keep).unwrap()).unwrap();
    let ours = String::from_utf8(email.bytes.clone()).unwrap();
    let differs = kept.lines().zip(ours.lines()).find(|(kept, ours)| kept != ours);
    assert_eq!(differs, None);
    assert_eq!(kept, format!("{ours}\r\n"), "byte for byte; the protocol ends the text with a line break of its own");
    let later = mailer.send(&name, &from, "later@mail.example", &email.bytes).await;
    assert!(matches!(&later, Delivery::Retry(reason) if reason.contains("mailbox busy")), "{later:?}");
    let never = mailer.send(&name, &from, "never@mail.example", &email.bytes).await;
    assert!(
        matches!(&never, Delivery::Refused { words, of_address: true } if words.contains("no such user")),
        "{never:?}"
    );
}
