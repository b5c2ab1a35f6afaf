//! Policies: read, adopted, and found again by day or by the hash that a case carries.

use std::path::Path;
use std::sync::Arc;

use super::{Office, OfficeError, Result, Version};
use crate::domain::{Calendar, Day, PolicyHash};
use crate::rulebook::{self, Policy, Sources};
use crate::store::{AdoptedPolicy, PolicySource};

/// A policy with its calendar, as decisions use it.
#[derive(Clone, Debug)]
pub struct Rules {
    pub policy: Policy,
    pub calendar: Calendar,
}

/// The text of a file that ships with the program, by its path under `rules/`.
#[must_use]
pub fn shipped_text(path: &str) -> Option<String> {
    rulebook::shipped().get(path).map(str::to_owned)
}

impl Office {
    /// Reads and checks a policy file with the packs and the calendar that it names: those beside it, else those that
    /// ship with the program.
    ///
    /// # Errors
    /// Every error in the text at once, each with its place.
    pub fn read_policy(&self, path: &Path) -> Result<(Rules, Vec<PolicySource>)> {
        read_policy(path)
    }

    /// Adopts a policy: from its effective date, or the day given, it acts. Only adopted versions act.
    ///
    /// # Errors
    /// As [`Self::read_policy`].
    pub async fn adopt_policy(&self, path: &Path, effective_on: Option<Day>, by: &str) -> Result<AdoptedPolicy> {
        let (rules, sources) = self.read_policy(path)?;
        self.adopt(rules, sources, effective_on, by).await
    }

    async fn adopt(
        &self,
        rules: Rules,
        sources: Vec<PolicySource>,
        effective_on: Option<Day>,
        by: &str,
    ) -> Result<AdoptedPolicy> {
        self.wordings_state_all(&rules.policy)?;
        let stamp = self.stamp(by);
        let adopted = AdoptedPolicy {
            hash: rules.policy.hash.clone(),
            name: rules.policy.name.clone(),
            sources,
            adopted_by: by.to_owned(),
            adopted_at: stamp.at,
            effective_on: effective_on.unwrap_or(rules.policy.effective_from),
        };
        self.store.adopt_policy(&adopted, &stamp).await?;
        Ok(adopted)
    }

    /// Adopts a policy that ships with the program, by its name.
    ///
    /// # Errors
    /// When none of that name ships.
    pub async fn adopt_shipped(&self, name: &str, by: &str) -> Result<AdoptedPolicy> {
        let sources = rulebook::shipped();
        let path = format!("{name}.yaml");
        let Some(text) = sources.get(&path).map(str::to_owned) else {
            return Err(OfficeError::NotFound { what: "shipped policy", id: name.to_owned() });
        };
        let rules = compile(&sources, &path)?;
        self.adopt(rules, kept(&sources, &path, text), None, by).await
    }

    /// The rules in force on a day.
    ///
    /// # Errors
    /// [`OfficeError::NoPolicy`] when none is.
    pub async fn rules_on(&self, on: Day) -> Result<Arc<Rules>> {
        let hash = self.store.policy_in_force(on).await?.ok_or(OfficeError::NoPolicy { on })?;
        self.rules_as_adopted(&hash).await
    }

    /// The rules of a version that was adopted, by its hash, under the packs of the version in force today.
    ///
    /// # Errors
    /// [`OfficeError::PolicyMissing`] when it never was.
    pub async fn rules_of(&self, hash: &PolicyHash) -> Result<Arc<Rules>> {
        match self.rules_on(self.today()).await {
            Ok(in_force) => self.rules_under(hash, &in_force).await,
            // Nothing has come into force yet: there are no newer packs.
            Err(OfficeError::NoPolicy { .. }) => self.rules_as_adopted(hash).await,
            Err(error) => Err(error),
        }
    }

    /// The rules of a version, with its guard packs as the version in force has them: a case keeps the city's rules that it
    /// began with, and a changed statute binds it at once. A text that the changed pack would refuse is not refused
    /// here; what the pack forbids is barred when it acts.
    ///
    /// # Errors
    /// As [`Self::rules_of`].
    pub(super) async fn rules_under(&self, hash: &PolicyHash, in_force: &Arc<Rules>) -> Result<Arc<Rules>> {
        if *hash == in_force.policy.hash {
            return Ok(Arc::clone(in_force));
        }
        let key = (hash.clone(), Some(in_force.policy.hash.clone()));
        if let Some(rules) = self.known(&key) {
            return Ok(rules);
        }
        let own = self.rules_as_adopted(hash).await?;
        let policy = own.policy.under_packs_of(&in_force.policy);
        let rules = Arc::new(Rules { policy, calendar: own.calendar.clone() });
        self.rules.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(key, Arc::clone(&rules));
        Ok(rules)
    }

    async fn rules_as_adopted(&self, hash: &PolicyHash) -> Result<Arc<Rules>> {
        if let Some(rules) = self.known(&(hash.clone(), None)) {
            return Ok(rules);
        }
        let adopted = self.store.policy(hash).await?;
        let adopted = adopted.ok_or_else(|| OfficeError::PolicyMissing { hash: hash.to_string() })?;
        self.compiled(&adopted)
    }

    fn known(&self, key: &Version) -> Option<Arc<Rules>> {
        self.rules.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get(key).cloned()
    }

    fn compiled(&self, adopted: &AdoptedPolicy) -> Result<Arc<Rules>> {
        let mut known = self.rules.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let key = (adopted.hash.clone(), None);
        if let Some(rules) = known.get(&key) {
            return Ok(Arc::clone(rules));
        }
        let mut sources = Sources::new();
        for source in &adopted.sources {
            sources.insert(&source.path, &source.text);
        }
        let main = adopted.sources.first().map(|source| source.path.clone()).unwrap_or_default();
        let altered = || OfficeError::PolicyAltered { name: adopted.name.clone(), hash: adopted.hash.to_string() };
        // A text that was changed behind the program's back may have stopped being a policy at all.
        let rules = compile(&sources, &main).ok().filter(|rules| rules.policy.hash == adopted.hash);
        let rules = Arc::new(rules.ok_or_else(altered)?);
        known.insert(key, Arc::clone(&rules));
        Ok(rules)
    }
}

/// Reads a policy file; see [`Office::read_policy`]. A bare word that names no file (`riverbend`) names a policy that
/// ships with the program.
///
/// # Errors
/// Every error in the text at once, each with its place.
pub fn read_policy(path: &Path) -> Result<(Rules, Vec<PolicySource>)> {
    let (name, text) = policy_text(path)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut sources = rulebook::shipped();
    for (kind, below) in [("guards", "guards"), ("calendars", "calendars"), ("layouts", "layouts")] {
        let Ok(entries) = std::fs::read_dir(folder.join(below)) else { continue };
        let mut files: Vec<_> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
        files.sort();
        for file in files.iter().filter(|file| file.extension().is_some_and(|e| e == "yaml")) {
            let bytes = std::fs::read(file).map_err(|source| OfficeError::file(file, source))?;
            let file_name = file.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            let name = format!("{kind}/{file_name}");
            let text = rulebook::text_of(&name, bytes).map_err(OfficeError::Rules)?;
            sources.insert(name, text);
        }
    }
    sources.insert(&name, &text);
    let rules = compile(&sources, &name)?;
    let sources_kept = kept(&sources, &name, text);
    Ok((rules, sources_kept))
}

/// The policy first, then what it may rest on, so that the adopted version stands alone.
fn kept(sources: &Sources, name: &str, text: String) -> Vec<PolicySource> {
    let mut kept = vec![PolicySource { path: name.to_owned(), text }];
    kept.extend(
        sources
            .iter()
            .filter(|(path, _)| {
                let is_part = ["guards/", "calendars/", "layouts/"].iter().any(|folder| path.starts_with(folder));
                *path != name && is_part
            })
            .map(|(path, text)| PolicySource { path: path.to_owned(), text: text.to_owned() }),
    );
    kept
}

/// The policy's name and text: of the file, or of one that ships with the program where a bare word names it and no file.
fn policy_text(path: &Path) -> Result<(String, String)> {
    let source = match std::fs::read(path) {
        Ok(bytes) => {
            let name = path.file_name().map_or_else(|| "policy.yaml".into(), |n| n.to_string_lossy().into_owned());
            let text = rulebook::text_of(&name, bytes).map_err(OfficeError::Rules)?;
            return Ok((name, text));
        }
        Err(source) => source,
    };
    let bare = path.extension().is_none() && path.components().count() == 1;
    let name = format!("{}.yaml", path.display());
    match shipped_text(&name).filter(|_| bare && source.kind() == std::io::ErrorKind::NotFound) {
        Some(text) => Ok((name, text)),
        None => Err(OfficeError::file(path, source)),
    }
}

fn compile(sources: &Sources, main: &str) -> Result<Rules> {
    let policy = rulebook::load(sources, main).map_err(OfficeError::Rules)?;
    let calendar = rulebook::calendar::named(sources, &policy.calendar).map_err(OfficeError::Rules)?;
    Ok(Rules { policy, calendar })
}
