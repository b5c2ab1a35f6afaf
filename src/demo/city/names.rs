//! The people, streets and firms of Riverbend. All of it is made up: the telephone numbers are of the range kept for
//! fiction, the mail domains are those kept for examples, and the towns are on no map of California.

use super::chance::Chance;
use crate::domain::{Address, Language};

/// A part of the city's people: names, and the language that some of them prefer to English.
pub struct Heritage {
    /// Of a thousand households.
    pub share: u32,
    pub language: Language,
    /// Of a thousand of these, how many prefer that language.
    pub prefers: u32,
    pub given: &'static [&'static str],
    pub family: &'static [&'static str],
}

/// The households of the valley, so that a third of the letters go out in Spanish.
pub const HERITAGES: &[Heritage] = &[
    Heritage {
        share: 400,
        language: Language::Spanish,
        prefers: 760,
        given: &[
            "Rosa",
            "José",
            "María",
            "Luis",
            "Ana",
            "Jesús",
            "Guadalupe",
            "Miguel",
            "Elena",
            "Raúl",
            "Sofía",
            "Andrés",
            "Lucía",
            "Héctor",
            "Marisol",
            "Tomás",
            "Inés",
            "Óscar",
            "Carmen",
            "Julián",
            "Verónica",
            "Ramón",
        ],
        family: &[
            "Muñoz",
            "García",
            "Hernández",
            "López",
            "Peña",
            "Ramírez",
            "Ortega",
            "Castañeda",
            "Vargas",
            "Núñez",
            "Salinas",
            "Ibarra",
            "Cárdenas",
            "Quintero",
            "Delgado",
            "Espinoza",
            "Zamora",
            "Villanueva",
            "Rosales",
            "Acuña",
        ],
    },
    Heritage {
        share: 380,
        language: Language::English,
        prefers: 1_000,
        given: &[
            "Mary", "James", "Linda", "Robert", "Patricia", "Walter", "Denise", "Earl", "Sharon", "Curtis", "Janet",
            "Dwayne", "Megan", "Tyler", "Keisha", "Marcus", "Ruth", "Harold", "Brenda", "Caleb", "Latoya", "Scott",
        ],
        family: &[
            "Hartley",
            "Brooks",
            "Carver",
            "Dalton",
            "Ellison",
            "Freeman",
            "Gaines",
            "Holloway",
            "Jefferson",
            "Keller",
            "Lindgren",
            "McBride",
            "Norwood",
            "O'Connell",
            "Pruitt",
            "Rawlins",
            "Sutton",
            "Tillman",
            "Underwood",
            "Whitaker",
        ],
    },
    Heritage {
        share: 60,
        language: Language::Chinese,
        prefers: 250,
        given: &["Mei", "Wei", "Li Hua", "Jun", "Grace", "Kevin", "Xiu Ying", "Henry", "Amy", "Guo Liang"],
        family: &["Chen", "Wong", "Lam", "Huang", "Lee", "Fong", "Zhao", "Liu"],
    },
    Heritage {
        share: 50,
        language: Language::Vietnamese,
        prefers: 250,
        given: &["Linh", "Minh", "Thanh", "Huong", "Tuan", "Kim", "Bao", "Lan", "Duc", "Ngoc"],
        family: &["Nguyen", "Tran", "Pham", "Vo", "Dang", "Bui", "Ho", "Duong"],
    },
    Heritage {
        share: 50,
        language: Language::Tagalog,
        prefers: 200,
        given: &["Maricel", "Rodel", "Jocelyn", "Ernesto", "Liza", "Benigno", "Corazon", "Arnel"],
        family: &["Santos", "Bautista", "Dela Cruz", "Mendoza", "Aquino", "Magbanua", "Pascual", "Dimaculangan"],
    },
    Heritage {
        share: 20,
        language: Language::Korean,
        prefers: 250,
        given: &["Ji Woo", "Min Jun", "Soo Jin", "Hyun", "Eun Ji", "Sang Ho"],
        family: &["Kim", "Park", "Choi", "Kang", "Yoon", "Shin"],
    },
    Heritage {
        share: 40,
        language: Language::English,
        prefers: 1_000,
        given: &["Harpreet", "Gurdeep", "Jaswinder", "Amrit", "Pa Houa", "Tou", "Anahit", "Armen", "Olena", "Viktor"],
        family: &["Singh", "Dhillon", "Sandhu", "Vang", "Xiong", "Moua", "Petrosyan", "Sarkisian", "Kovalenko", "Gill"],
    },
];

/// Landlords and other owners who live elsewhere.
pub const LANDLORDS: &[&str] = &[
    "Delta Homes LLC",
    "Sutter Slough Properties",
    "Blue Oak Rentals LLC",
    "Granite Row Holdings",
    "Pruitt Family Trust",
    "Levee Street Partners",
    "Valley Hearth Property Management",
    "Cottonwood Residential LP",
    "Ortega & Sons Rentals",
    "Millrace Apartments LLC",
    "Two Rivers Investments",
    "Harmon Trust",
];

const TRADES: &[&str] = &[
    "Bakery",
    "Auto Repair",
    "Market",
    "Laundry",
    "Nursery",
    "Dental Office",
    "Hardware",
    "Taqueria",
    "Barber Shop",
    "Feed & Seed",
    "Print Shop",
    "Car Wash",
];

const OFFICES: &[&str] = &[
    "Riverbend Unified School District",
    "Riverbend Fire Station",
    "County Library, Riverbend Branch",
    "Riverbend Parks",
];

const STREETS: &[&str] = &[
    "Alder St",
    "Birch Ave",
    "Cottonwood Dr",
    "Delta Way",
    "Elderberry Ct",
    "Ferry St",
    "Granary Rd",
    "Heron Ln",
    "Iris Ave",
    "Juniper St",
    "Kingfisher Dr",
    "Levee Rd",
    "Mill St",
    "Nut Tree Ln",
    "Orchard Ave",
    "Packing House Rd",
    "Quail Ct",
    "Railroad Ave",
    "Sycamore St",
    "Tule Dr",
    "Upriver Rd",
    "Vineyard Ave",
    "Willow St",
    "Yarrow Way",
    "1st St",
    "2nd St",
    "3rd St",
    "4th St",
];

/// A full name and the language of letters.
pub fn person(chance: &mut Chance) -> (String, Language) {
    let heritage = heritage(chance);
    let language = if chance.per_mille(heritage.prefers) { heritage.language } else { Language::English };
    let given = chance.pick(heritage.given);
    let family = chance.pick(heritage.family);
    let has_two_family_names = heritage.language == Language::Spanish && chance.per_mille(250);
    let name = if has_two_family_names {
        format!("{given} {family} {}", chance.pick(heritage.family))
    } else {
        format!("{given} {family}")
    };
    (name, language)
}

fn heritage(chance: &mut Chance) -> &'static Heritage {
    let weighted: Vec<(u32, &Heritage)> = HERITAGES.iter().map(|heritage| (heritage.share, heritage)).collect();
    chance.weighted(&HERITAGES[0], &weighted)
}

/// A shop or workshop.
pub fn firm(chance: &mut Chance) -> String {
    let heritage = heritage(chance);
    let family = chance.pick(heritage.family);
    format!("{family} {}", chance.pick(TRADES))
}

/// A public office.
pub fn office(chance: &mut Chance) -> String {
    (*chance.pick(OFFICES)).to_owned()
}

/// An address in Riverbend; `index` keeps two premises apart.
pub fn premises(chance: &mut Chance, index: u32, has_unit: bool) -> Address {
    let streets = u32::try_from(STREETS.len()).unwrap_or(1);
    let street = STREETS[(index % streets) as usize];
    let number = 100 + (index / streets) * 4 + index % 2;
    let line2 = if has_unit { format!("Unit {}", chance.between(1, 24)) } else { String::new() };
    let zip = format!("95600-{}", 1_200 + index % streets);
    Address { line1: format!("{number} {street}"), line2, city: "Riverbend".into(), state: "CA".into(), zip }
}

/// A post office box in Riverbend.
pub fn box_address(chance: &mut Chance) -> Address {
    let number = chance.between(10, 980);
    Address {
        line1: format!("PO Box {number}"),
        line2: String::new(),
        city: "Riverbend".into(),
        state: "CA".into(),
        zip: format!("95600-{number:04}"),
    }
}

/// An address in another town, where a landlord or a daughter lives.
pub fn elsewhere(chance: &mut Chance) -> Address {
    let towns = [
        ("Millbrook", "CA", "95643"),
        ("Port Lowell", "CA", "94399"),
        ("Summit Gap", "NV", "89599"),
        ("Cape Marlin", "OR", "97099"),
    ];
    let (city, state, zip) = *chance.pick(&towns);
    let streets = ["Harbor Blvd", "Quarry Rd", "Lakeview Ter", "Commerce Pkwy", "Old Mission Rd"];
    Address {
        line1: format!("{} {}", chance.between(10, 1_900), chance.pick(&streets)),
        line2: if chance.per_mille(300) { format!("Suite {}", chance.between(100, 420)) } else { String::new() },
        city: city.into(),
        state: state.into(),
        zip: zip.into(),
    }
}

/// A number of the range that is kept for fiction, 555-0100 to 555-0199. With a million accounts many share one.
pub fn phone(chance: &mut Chance) -> String {
    let area = chance.pick(&["279", "530", "916"]);
    format!("{area}55501{:02}", chance.below(100))
}

/// An address at a domain that is kept for examples, from the name and the index.
pub fn email(chance: &mut Chance, name: &str, index: u32) -> String {
    let plain: String = name.chars().filter_map(ascii).collect();
    let domain = chance.pick(&["example.com", "example.net"]);
    format!("{}{index}@{domain}", plain.trim_matches('.'))
}

/// The letter that stands for `letter` in an email address.
fn ascii(letter: char) -> Option<char> {
    match letter {
        ' ' => Some('.'),
        'á' | 'Á' => Some('a'),
        'é' | 'É' => Some('e'),
        'í' | 'Í' => Some('i'),
        'ó' | 'Ó' => Some('o'),
        'ú' | 'Ú' => Some('u'),
        'ñ' | 'Ñ' => Some('n'),
        letter if letter.is_ascii_alphanumeric() => Some(letter.to_ascii_lowercase()),
        _ => None,
    }
}
