//! Generated code as files that people read.

mod header;
mod shorten;

use proc_macro2::TokenStream;
use syn::{parse_quote, visit_mut::VisitMut as _};

pub use header::Header;
pub(super) use header::normal;

use super::{Output, print};
use crate::model::hex;
use shorten::Shorten;

/// A generated file.
#[derive(Clone, Debug)]
pub struct File {
    /// Its name, beside the trait's file.
    pub name: String,
    /// Its contents, header and all.
    pub text: String,
}

impl Output<'_> {
    pub(super) fn print(&self, name: String, source: &str, tokens: &TokenStream) -> File {
        let runtime = Self::runtime(self.service);
        let fingerprint: TokenStream = format!("0x{}", hex(self.service.fingerprint()))
            .parse()
            .unwrap_or_default();
        let mut import: syn::File = parse_quote!(use #runtime as rt;);
        Shorten::new(&self.words, &self.service.beside).visit_file_mut(&mut import);
        let mut file: syn::File = parse_quote! {
            use super::*;
            /// Which version of the trait this file was generated from.
            pub(super) const FINGERPRINT: u64 = #fingerprint;
            #tokens
        };
        let mut shorten = Shorten::new(&self.words, &self.service.beside);
        shorten.visit_file_mut(&mut file);
        let mut body = shorten.imports();
        body.push_str(&print::items(&import.items));
        body.push_str(&print::items(&file.items));
        let text = Header::write(
            &self.service.ident().to_string(),
            source,
            self.service.fingerprint(),
            &body,
        );
        File { name, text }
    }
}
