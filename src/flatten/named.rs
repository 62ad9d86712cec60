//! What a definition is called.

use std::sync::Arc;

use smol_str::SmolStr;

use super::{humanize, secret};
use crate::definitions::Official;

/// A definition: what its id says, and what Microsoft calls it.
#[derive(Debug, Clone)]
pub(super) struct Named {
    pub(super) id: SmolStr,
    /// Its official name, else words from its id.
    pub(super) name: SmolStr,
    pub(super) official: Option<Arc<Official>>,
    pub(super) is_secret: bool,
    pub(super) holds_nul: bool,
}

impl Named {
    pub(super) fn of(id: &SmolStr, official: Option<&Arc<Official>>) -> Self {
        let mut named = Self {
            id: id.clone(),
            name: SmolStr::default(),
            official: None,
            is_secret: secret::is_secret_id(id),
            holds_nul: false,
        };
        named.name(official);
        named
    }

    /// Takes the name that Microsoft gives it, if any.
    pub(super) fn name_officially(&mut self, official: Option<&Arc<Official>>) {
        // most are known already, or still unknown: words take longer than all else
        if official.map(Arc::as_ptr) != self.official.as_ref().map(Arc::as_ptr) {
            self.name(official);
        }
    }

    fn name(&mut self, official: Option<&Arc<Official>>) {
        self.official = official.cloned();
        let name = official.and_then(|official| official.display_name.clone());
        self.name = name.unwrap_or_else(|| humanize::humanize(&self.id).into());
        self.holds_nul = self.id.contains('\0') || self.name.contains('\0');
    }
}
