//! `#[derive(MeshError)]`: how each variant of an error crosses.

mod generate;
mod model;

use proc_macro2::TokenStream;
use quote::quote;
use syn::DeriveInput;

use model::ErrorType;

/// What `#[derive(MeshError)]` expands to: for each misuse an error at its own token.
pub fn derive_error(input: &DeriveInput) -> TokenStream {
    match ErrorType::parse(input) {
        Ok(error) => error.derive(),
        Err(error) => {
            let (stub, error) = (stub(input), error.into_compile_error());
            quote!(#stub #error)
        }
    }
}

/// What lets the methods that return a refused type pass without a word.
fn stub(input: &DeriveInput) -> TokenStream {
    let ident = &input.ident;
    let (implementing, arguments, clause) = input.generics.split_for_impl();
    quote! {
        #[automatically_derived]
        impl #implementing ::meshrpc::__rt::v1::MeshError for #ident #arguments #clause {
            fn of(_: &::meshrpc::__rt::v1::Error) -> Self {
                ::core::unreachable!("refused when it was compiled")
            }
        }
    }
}
