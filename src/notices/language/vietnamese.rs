//! Vietnamese.

use chrono::Datelike;

use super::{Labels, Words};
use crate::domain::ledger::EntryKind;
use crate::domain::{Day, Service};

pub(super) const WORDS: Words = Words { labels: LABELS, long, medium, service, kind, comma: ", ", and: " và " };

const LABELS: Labels = Labels {
    account: "Tài khoản",
    account_of: "Khách hàng",
    service_address: "Nơi sử dụng dịch vụ",
    date: "Ngày",
    amount_due: "Số tiền phải trả",
    pay_by: "Hạn thanh toán",
    shut_off_on: "Có thể bị cắt từ",
    service: "Dịch vụ",
    kind: "Loại",
    billed: "Ngày lập hóa đơn",
    due: "Ngày đến hạn",
    amount: "Chưa trả",
    total: "Tổng số quá hạn",
    reconnection: "Phí nối lại",
    deposit_applied: "Tiền đặt cọc đã được khấu trừ; các số tiền ở trên đã trừ khoản này",
    installment: "Kỳ",
    online: "Qua mạng",
    by_mail: "Qua thư",
    in_person: "Tại quầy",
    by_phone: "Qua điện thoại",
    payable_to: "Chi phiếu trả cho",
    detach: "Cắt tại đây và gửi lại phần này cùng với khoản thanh toán",
    enclosed: "Số tiền gửi kèm",
    write_account: "Xin ghi số tài khoản trên chi phiếu.",
    page: "Trang",
    of: "/",
    follows: "Thông báo này có phần tiếng Việt tiếp theo.",
    automatic: "Quý vị nhận được tin này vì quý vị có tài khoản với chúng tôi. Quý vị có thể trả lời để liên lạc với văn phòng của chúng tôi.",
};

fn long(day: Day) -> String {
    format!("{}, {}", DAYS[day.weekday().num_days_from_monday() as usize], medium(day))
}

fn medium(day: Day) -> String {
    format!("ngày {} tháng {} năm {}", day.day(), day.month(), day.year())
}

const fn service(service: Service) -> &'static str {
    match service {
        Service::Water => "nước",
        Service::Sewer => "cống rãnh",
        Service::Refuse => "thu gom rác",
        Service::Electric => "điện",
        Service::Gas => "ga",
        Service::Stormwater => "thoát nước mưa",
        Service::Irrigation => "tưới tiêu",
        Service::General => "phí tài khoản",
    }
}

const fn kind(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::Charge => "Hóa đơn",
        EntryKind::Fee => "Phí",
        EntryKind::Interest => "Tiền lãi",
        EntryKind::Payment => "Thanh toán",
        EntryKind::Adjustment => "Điều chỉnh",
        EntryKind::Deposit => "Tiền đặt cọc",
        EntryKind::Transfer => "Chuyển khoản",
        EntryKind::Reversal => "Hủy bút toán",
        EntryKind::WriteOff => "Xóa nợ",
    }
}

const DAYS: [&str; 7] = ["thứ Hai", "thứ Ba", "thứ Tư", "thứ Năm", "thứ Sáu", "thứ Bảy", "Chủ nhật"];
