//! The independent checker of PDF/UA-1 and PDF/A-2a (`page-validation`), which `./test` installs.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Where `./test` puts it.
fn tools() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-tools")
}

/// One finding is left out: of a stream whose last compressed byte happens to be a carriage return, the checker takes that
/// byte for part of the end of line behind it, and finds its length one too long. `qpdf --check` looks at lengths, too.
const CHECK: &str = "
import sys
from page import validate_pdf
for path in sys.argv[1:]:
    for profile in ('ua1', '2a'):
        report = validate_pdf(path, profile=profile)
        failures = [f for f in report.failures if not f.rule_id.endswith('STREAM-LENGTH-001')]
        for failure in failures:
            print(path, profile, failure.rule_id, failure.message)
        if not report.is_compliant and not report.failures:
            print(path, profile, 'is not compliant')
print('checked', len(sys.argv) - 1)
";

/// Each file is accessible and can be archived, as the checker sees it.
#[track_caller]
pub fn assert_conform(paths: &[PathBuf]) {
    let checked = Command::new("python3").arg("-c").arg(CHECK).args(paths).env("PYTHONPATH", tools()).output();
    let checked = checked.expect("python3 is needed: apt-get install python3");
    let said = String::from_utf8_lossy(&checked.stdout);
    let error = String::from_utf8_lossy(&checked.stderr);
    assert!(
        checked.status.success(),
        "page-validation is needed: `./test` installs it, or `python3 -m pip install --target target/test-tools \
         page-validation`\n{error}"
    );
    assert_eq!(said.trim(), format!("checked {}", paths.len()));
}
