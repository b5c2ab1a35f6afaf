//! Korean.

use chrono::Datelike;

use super::{Labels, Words};
use crate::domain::ledger::EntryKind;
use crate::domain::{Day, Service};

pub(super) const WORDS: Words = Words { labels: LABELS, long, medium, service, kind, comma: ", ", and: " 및 " };

const LABELS: Labels = Labels {
    account: "계정",
    account_of: "고객",
    service_address: "서비스 주소",
    date: "날짜",
    amount_due: "납부할 금액",
    pay_by: "납부 기한",
    shut_off_on: "서비스 중단 가능일",
    service: "서비스",
    kind: "구분",
    billed: "청구일",
    due: "납기일",
    amount: "미납액",
    total: "연체 총액",
    reconnection: "재연결 수수료",
    deposit_applied: "보증금이 적용되었으며 위 금액에서 이미 공제되었습니다",
    installment: "회차",
    online: "온라인",
    by_mail: "우편",
    in_person: "방문",
    by_phone: "전화",
    payable_to: "수표 수취인",
    detach: "이 선을 따라 떼어 납부금과 함께 보내 주십시오",
    enclosed: "동봉 금액",
    write_account: "수표에 계정 번호를 적어 주십시오.",
    page: "쪽",
    of: "/",
    follows: "이 통지는 한국어로도 이어집니다.",
    automatic: "저희에게 계정이 있으시므로 이 메시지를 보내 드립니다. 이 메시지에 답장하시면 저희 사무실로 연락하실 수 있습니다.",
};

fn long(day: Day) -> String {
    format!("{} {}요일", medium(day), DAYS[day.weekday().num_days_from_monday() as usize])
}

fn medium(day: Day) -> String {
    format!("{}년 {}월 {}일", day.year(), day.month(), day.day())
}

const fn service(service: Service) -> &'static str {
    match service {
        Service::Water => "수도",
        Service::Sewer => "하수도",
        Service::Refuse => "쓰레기 수거",
        Service::Electric => "전기",
        Service::Gas => "가스",
        Service::Stormwater => "빗물 배수",
        Service::Irrigation => "관개용수",
        Service::General => "계정 요금",
    }
}

const fn kind(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::Charge => "청구서",
        EntryKind::Fee => "수수료",
        EntryKind::Interest => "이자",
        EntryKind::Payment => "납부",
        EntryKind::Adjustment => "조정",
        EntryKind::Deposit => "보증금",
        EntryKind::Transfer => "이체",
        EntryKind::Reversal => "취소",
        EntryKind::WriteOff => "대손 처리",
    }
}

const DAYS: [&str; 7] = ["월", "화", "수", "목", "금", "토", "일"];
