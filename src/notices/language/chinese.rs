//! Chinese, in traditional characters, which most of California's agencies print.

use chrono::Datelike;

use super::{Labels, Words};
use crate::domain::ledger::EntryKind;
use crate::domain::{Day, Service};

pub(super) const WORDS: Words = Words { labels: LABELS, long, medium, service, kind, comma: "、", and: "和" };

const LABELS: Labels = Labels {
    account: "帳戶",
    account_of: "客戶",
    service_address: "服務地址",
    date: "日期",
    amount_due: "應付金額",
    pay_by: "繳款期限",
    shut_off_on: "最早停止服務日",
    service: "服務",
    kind: "類別",
    billed: "出帳日",
    due: "到期日",
    amount: "未付金額",
    total: "逾期總額",
    reconnection: "重新接通費",
    deposit_applied: "已抵用押金；上列金額已扣除",
    installment: "期數",
    online: "網上",
    by_mail: "郵寄",
    in_person: "親臨",
    by_phone: "電話",
    payable_to: "支票抬頭請寫",
    detach: "請沿此線撕下，並將本聯連同款項寄回",
    enclosed: "隨附金額",
    write_account: "請在支票上註明您的帳戶號碼。",
    page: "頁",
    of: "／",
    follows: "本通知附有中文。",
    automatic: "您因在本處設有帳戶而收到此訊息。您可以直接回覆，與本辦公室聯絡。",
};

fn long(day: Day) -> String {
    let weekday = DAYS[day.weekday().num_days_from_monday() as usize];
    format!("{}星期{weekday}", medium(day))
}

fn medium(day: Day) -> String {
    format!("{}年{}月{}日", day.year(), day.month(), day.day())
}

const fn service(service: Service) -> &'static str {
    match service {
        Service::Water => "自來水",
        Service::Sewer => "下水道",
        Service::Refuse => "垃圾清運",
        Service::Electric => "電力",
        Service::Gas => "瓦斯",
        Service::Stormwater => "雨水排放",
        Service::Irrigation => "灌溉",
        Service::General => "帳戶費用",
    }
}

const fn kind(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::Charge => "帳單",
        EntryKind::Fee => "費用",
        EntryKind::Interest => "利息",
        EntryKind::Payment => "付款",
        EntryKind::Adjustment => "調整",
        EntryKind::Deposit => "押金",
        EntryKind::Transfer => "轉帳",
        EntryKind::Reversal => "沖銷",
        EntryKind::WriteOff => "呆帳註銷",
    }
}

const DAYS: [&str; 7] = ["一", "二", "三", "四", "五", "六", "日"];
