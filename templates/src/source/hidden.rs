//! Traits where no files can stand beside them.

use proc_macro2::Ident;
use syn::{
    ItemTrait, parse_file,
    visit::{self, Visit},
};

use crate::Service;

/// Said of an exposed trait inside a function.
const IN_FUNCTION: &str = "files cannot be included inside a function: write `#[mesh_service]` without `exposed`, or move the trait out";

/// Said of an exposed trait that no reading of the source shows.
const IN_MACRO: &str = "a trait that a macro makes cannot be exposed, since its text is not in this file: write `#[mesh_service]` without `exposed`, or write the trait out";

/// Looks for exposed traits where they cannot have files.
#[derive(Default)]
pub(super) struct Hidden {
    pub(super) errors: Vec<syn::Error>,
}

impl<'ast> Visit<'ast> for Hidden {
    fn visit_item_trait(&mut self, item: &'ast ItemTrait) {
        if let Ok(Some(options)) = Service::find_options(item)
            && options.exposed.is_some()
        {
            self.errors
                .push(syn::Error::new(item.ident.span(), IN_FUNCTION));
        }
        visit::visit_item_trait(self, item);
    }
}

/// Why `cargo meshrpc expose` writes no files for the trait `name` in the source `text`: it stands
/// in a function, or is made by a macro. Nothing if neither is so.
pub fn why_not_found(text: &str, name: &Ident) -> Option<&'static str> {
    let file = parse_file(text).ok()?;
    let mut places = Places {
        name,
        within: 0,
        outside: false,
        inside: false,
    };
    places.visit_file(&file);
    match places {
        Places { outside: true, .. } => None,
        Places { inside: true, .. } => Some(IN_FUNCTION),
        _ => Some(IN_MACRO),
    }
}

/// Where traits of one name stand.
struct Places<'a> {
    name: &'a Ident,
    /// Bodies around the current item.
    within: usize,
    outside: bool,
    inside: bool,
}

impl<'ast> Visit<'ast> for Places<'_> {
    fn visit_item_trait(&mut self, item: &'ast ItemTrait) {
        if item.ident == *self.name {
            match self.within {
                0 => self.outside = true,
                _ => self.inside = true,
            }
        }
    }

    fn visit_block(&mut self, block: &'ast syn::Block) {
        self.within += 1;
        visit::visit_block(self, block);
        self.within -= 1;
    }
}
