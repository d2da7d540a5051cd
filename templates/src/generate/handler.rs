//! The handler: serves any implementation of the trait.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::Index;

use super::{Output, key};
use crate::model::{Form, Lend, Method, without_lifetimes};

impl Output<'_> {
    pub(super) fn handler(&self) -> TokenStream {
        let (rt, vis) = (&self.rt, self.visibility());
        let (handler, contract) = (self.handler_ident(), self.contract_ident());
        let name = self.service.ident();
        let docs = format!(" Serves an implementation of [`{name}`].");
        let (dead, deprecated) = (self.allow_dead_code(), self.allow_deprecated());
        let text = handler.to_string();
        let arms = self.service.methods.iter().map(|method| self.arm(method));
        quote! {
            #[doc = #docs]
            #[doc = ""]
            #[doc = " Cheap to clone: clones share the implementation."]
            #dead
            #vis struct #handler<S: ?Sized> {
                service: ::std::sync::Arc<S>,
            }

            #dead
            impl<S> #handler<S> {
                /// A handler that owns the implementation.
                #vis fn new(service: S) -> Self {
                    Self { service: ::std::sync::Arc::new(service) }
                }
            }

            #dead
            impl<S: ?Sized> #handler<S> {
                /// A handler of an implementation that others use too.
                #vis fn shared(service: ::std::sync::Arc<S>) -> Self {
                    Self { service }
                }
            }

            impl<S: ?Sized> ::core::clone::Clone for #handler<S> {
                fn clone(&self) -> Self {
                    Self { service: ::std::sync::Arc::clone(&self.service) }
                }
            }

            impl<S: ?Sized> ::core::fmt::Debug for #handler<S> {
                fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                    f.debug_struct(#text).finish_non_exhaustive()
                }
            }

            #deprecated
            impl<S: #name + ?Sized + 'static> #rt::Handler for #handler<S> {
                fn spec(&self) -> &'static #rt::ServiceSpec {
                    &#contract
                }

                fn call(&self, request: #rt::Request) -> #rt::BoxFuture<'static, #rt::Response> {
                    let service = ::std::sync::Arc::clone(&self.service);
                    match request.key() {
                        #(#arms)*
                        _ => #rt::unknown_method(),
                    }
                }
            }
        }
    }

    /// One method: decode, let go of the request, call, answer.
    fn arm(&self, method: &Method) -> TokenStream {
        let (rt, key, cfg) = (&self.rt, key(method), &method.cfg);
        let (name, function) = (self.service.ident(), &method.signature.ident);
        let names: Vec<Ident> = method
            .arguments
            .iter()
            .enumerate()
            .map(|(i, argument)| self.argument(i, argument))
            .collect();
        let takes = method.arguments.iter().zip(&names).map(|(argument, name)| {
            let ty = self.opaque(&without_lifetimes(&argument.owned));
            quote!(let #name = #rt::take!(args, #ty)?;)
        });
        // What is lent from a temporary gets a name, to live as long as the call.
        let mut lent = Vec::new();
        let mut passed = Vec::new();
        for (argument, name) in method.arguments.iter().zip(&names) {
            let lend = match &argument.form {
                Form::Lent(lend) => lend,
                Form::Items(Some(lend)) => {
                    let items = value(lend, &quote!(#name));
                    lent.push(quote!(let #name: ::std::vec::Vec<_> = #items;));
                    passed.push(quote!(#name));
                    continue;
                }
                _ => {
                    passed.push(quote!(#name));
                    continue;
                }
            };
            match lend {
                Lend::RefTo(inner) => {
                    let value = value(inner, &quote!(#name));
                    lent.push(quote!(let #name = #value;));
                    passed.push(quote!(&#name));
                }
                Lend::SliceOf(inner) => {
                    let items = collect(&quote!(#name), &each(inner));
                    lent.push(quote!(let #name: ::std::vec::Vec<_> = #items;));
                    passed.push(quote!(&#name));
                }
                _ => passed.push(value(lend, &quote!(#name))),
            }
        }
        let mutable = (!names.is_empty()).then(|| quote!(mut));
        quote! {
            #(#cfg)*
            #key => #rt::answer(async move {
                let #mutable args = request.arguments()?;
                #(#takes)*
                args.finish()?;
                let reply = #rt::reply_to(request);
                #(#lent)*
                let result = #name::#function(&*service, #(#passed),*).await;
                #rt::respond!(reply, result)
            }),
        }
    }
}

/// The borrowing value lent from the owned one at `place`, a place expression.
fn value(lend: &Lend, place: &TokenStream) -> TokenStream {
    match lend {
        Lend::Clone(span) => clone(*span, &quote!(&#place)),
        Lend::Ref => quote!(&#place),
        Lend::Str => quote!(#place.as_str()),
        Lend::Slice => quote!(#place.as_slice()),
        Lend::Path => quote!(#place.as_path()),
        Lend::CStr => quote!(#place.as_c_str()),
        // Only at the top, where the caller names the temporary.
        Lend::RefTo(inner) => value(inner, place),
        Lend::SliceOf(inner) | Lend::Collect(inner) => collect(place, &each(inner)),
        Lend::Option(inner) => match &**inner {
            Lend::Ref => quote!(#place.as_ref()),
            Lend::Str | Lend::Slice | Lend::Path | Lend::CStr => quote!(#place.as_deref()),
            inner => {
                let mapped = each(inner);
                quote!(#place.as_ref().map(#mapped))
            }
        },
        Lend::CollectMap(keys, values) => {
            let (k, v) = (
                value_of_reference(keys, "k"),
                value_of_reference(values, "v"),
            );
            collect(place, &quote!(|(k, v)| (#k, #v)))
        }
        Lend::Tuple(elements) => {
            let elements = elements.iter().enumerate().map(|(index, element)| {
                let index = Index::from(index);
                value(element, &quote!(#place.#index))
            });
            quote!((#(#elements,)*))
        }
    }
}

/// Written for `reference` to be what is cloned, and for a type that cannot be to be underlined.
fn clone(span: Span, reference: &TokenStream) -> TokenStream {
    let span = Span::call_site().located_at(span);
    let reference = super::moved(reference.clone(), span);
    quote_spanned!(span=> ::core::clone::Clone::clone(#reference))
}

fn collect(place: &TokenStream, each: &TokenStream) -> TokenStream {
    quote!(#place.iter().map(#each).collect())
}

/// A closure from a reference to an owned element to the borrowing one.
fn each(lend: &Lend) -> TokenStream {
    let element = value_of_reference(lend, "x");
    quote!(|x| #element)
}

/// [`value`] of a variable that is a reference already.
fn value_of_reference(lend: &Lend, name: &str) -> TokenStream {
    let name = format_ident!("{name}");
    match lend {
        Lend::Ref => quote!(#name),
        Lend::Clone(span) => clone(*span, &quote!(#name)),
        other => value(other, &quote!(#name)),
    }
}
