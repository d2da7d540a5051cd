//! The implementation that an error type gets.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{Generics, Type, parse_quote};

use super::model::{ErrorType, Fields, Kind, Shape, Variant};
use crate::{check::types, model::plain};

impl ErrorType {
    /// One implementation; for a type with parameters two, since more is known of what it holds
    /// where the parameters are serde types.
    pub(super) fn derive(&self) -> TokenStream {
        let rt = match &self.krate {
            Some(krate) => quote!(#krate::__rt::v1),
            None => quote!(::meshrpc::__rt::v1),
        };
        let generate = Generate { error: self, rt };
        let any = generate.implementation(&quote!(WithAny), &[]);
        if self.generics.type_params().next().is_none() {
            return any;
        }
        let rt = &generate.rt;
        let serde = generate.implementation(
            &quote!(WithSerde),
            &[
                quote!(#rt::derived::Serialize),
                quote!(#rt::derived::DeserializeOwned),
            ],
        );
        quote!(#any #serde)
    }
}

struct Generate<'a> {
    error: &'a ErrorType,
    rt: TokenStream,
}

impl Generate<'_> {
    fn implementation(&self, marker: &TokenStream, bounds: &[TokenStream]) -> TokenStream {
        let rt = &self.rt;
        let ident = &self.error.ident;
        let mut generics: Generics = self.error.generics.clone();
        let parameters: Vec<Ident> = generics.type_params().map(|p| p.ident.clone()).collect();
        let clause = generics.make_where_clause();
        for parameter in parameters {
            clause
                .predicates
                .push(parse_quote!(#parameter: #(#bounds +)* 'static));
        }
        let (implementing, arguments, clause) = generics.split_for_impl();
        let name = plain(ident);
        let (variants, hold, unknown, crossing, causes, write, read, read_variant);
        match &self.error.kind {
            Kind::Enum(all) => {
                let names = all
                    .iter()
                    .map(|Variant { name, cfg, .. }| quote!(#(#cfg)* #name));
                variants = quote!(#(#names),*);
                let transport = all.iter().find(|variant| variant.transport.is_some());
                let fallback = all.iter().find(|variant| variant.fallback.is_some());
                hold = match transport.or(fallback) {
                    Some(variant) => self.held(variant),
                    None => self.held_by_conversion(),
                };
                unknown = match fallback.or(transport) {
                    Some(variant) => self.held(variant),
                    None => {
                        quote!(<Self as #rt::derived::Variants<#rt::derived::#marker>>::hold(failure))
                    }
                };
                let crossings = all.iter().map(|variant| self.crossing(variant));
                crossing = quote!(match self { #(#crossings)* });
                let each = all.iter().map(|variant| {
                    let Variant {
                        cfg, ident, fields, ..
                    } = variant;
                    let (members, told) = (members(fields), self.caused(fields));
                    quote!(#(#cfg)* Self::#ident { #members } => #told,)
                });
                causes = quote!(match self { #(#each)* });
                let known =
                    quote!(<Self as #rt::derived::Variants<#rt::derived::#marker>>::VARIANTS);
                let writes = all.iter().map(|variant| self.write(&name, &known, variant));
                write = quote!(match self { #(#writes)* });
                read = quote!(#rt::derived::read_enum::<Self, #rt::derived::#marker, D>(from));
                let reads = all.iter().map(|variant| self.read(variant));
                read_variant = quote! {
                    match name {
                        #(#reads)*
                        _ => #rt::derived::no_variant(#name),
                    }
                };
            }
            Kind::Struct { fields, code } => {
                variants = TokenStream::new();
                hold = self.held_by_conversion();
                unknown =
                    quote!(<Self as #rt::derived::Variants<#rt::derived::#marker>>::hold(failure));
                let (remakes, names) = (self.remakes(fields), fields.names());
                let (code, typed) = (self.code(code.as_ref()), self.crosses(fields));
                let (pattern, parts) = (members(fields), self.parts(fields));
                crossing = quote! {
                    let Self { #pattern } = self;
                    #rt::derived::Crossing { code: #code, typed: #typed }
                };
                let told = self.caused(fields);
                causes = quote!(let Self { #pattern } = self; #told);
                write = quote! {
                    let Self { #pattern } = self;
                    #rt::derived::write_struct(to, #name, &[#(#names),*], &#parts)
                };
                let (values, fields) = (values(fields), members(fields));
                read = quote! {
                    let #values = #rt::derived::read_struct::<Self, _, D>(
                        from, #name, &[#(#names),*], #remakes,
                    )?;
                    #rt::Ok(Self { #fields })
                };
                read_variant = quote! {
                    let _ = content;
                    #rt::derived::no_variant(name)
                };
            }
        }
        quote! {
            #[automatically_derived]
            #[allow(deprecated, unused_variables, clippy::all, clippy::pedantic, clippy::nursery)]
            impl #implementing #rt::derived::Variants<#rt::derived::#marker> for #ident #arguments
            #clause
            {
                const NAME: &'static ::core::primitive::str = #name;
                const VARIANTS: &'static [&'static ::core::primitive::str] = &[#variants];

                fn hold(failure: #rt::derived::Error) -> Self {
                    #hold
                }

                fn unknown(failure: #rt::derived::Error) -> Self {
                    #unknown
                }

                fn crossing(&self) -> #rt::derived::Crossing {
                    use #rt::ladder::whole::{Parts as _, Serde as _};
                    let whole = #rt::Of::<Self>::new();
                    #crossing
                }

                fn causes(&self, told: #rt::derived::ErrorText) -> #rt::derived::ErrorText {
                    #causes
                }

                fn write<S: #rt::derived::Serializer>(
                    &self,
                    to: S,
                ) -> ::core::result::Result<S::Ok, S::Error> {
                    use #rt::ladder::whole::{Parts as _, Serde as _};
                    (&&#rt::Of::<Self>::new()).write(
                        self,
                        to,
                        <Self as #rt::derived::Variants<#rt::derived::#marker>>::write_parts,
                    )
                }

                fn write_parts<S: #rt::derived::Serializer>(
                    &self,
                    to: S,
                ) -> ::core::result::Result<S::Ok, S::Error> {
                    #write
                }

                fn read<'de, D: #rt::derived::Deserializer<'de>>(
                    from: D,
                ) -> ::core::result::Result<Self, D::Error> {
                    use #rt::ladder::whole::{Parts as _, Serde as _};
                    (&&#rt::Of::<Self>::new()).read(
                        from,
                        <Self as #rt::derived::Variants<#rt::derived::#marker>>::read_parts,
                    )
                }

                fn read_parts<'de, D: #rt::derived::Deserializer<'de>>(
                    from: D,
                ) -> ::core::result::Result<Self, D::Error> {
                    #read
                }

                fn read_variant<'de, A: #rt::derived::VariantAccess<'de>>(
                    name: &'static ::core::primitive::str,
                    content: A,
                ) -> ::core::result::Result<Self, A::Error> {
                    #read_variant
                }
            }
        }
    }

    /// The failed call in a variant of its own.
    fn held(&self, variant: &Variant) -> TokenStream {
        let ident = &variant.ident;
        let Some((member, ty)) = variant.fields.members.first() else {
            return TokenStream::new();
        };
        let value = self.conversion(ty, types::span(ty), "CheckedField");
        quote!(Self::#ident { #member: #value })
    }

    /// The failed call through a conversion of the whole type.
    fn held_by_conversion(&self) -> TokenStream {
        let span = self.error.ident.span();
        let ty: Type = parse_quote!(Self);
        self.conversion(&ty, span, "CheckedHolder")
    }

    /// The same steps as a client takes, and words at `span` if none of them can be.
    fn conversion(&self, ty: &Type, span: Span, last: &str) -> TokenStream {
        let here = Span::call_site().located_at(span);
        let (rt, last) = (&self.rt, Ident::new(last, here));
        let ty = crate::generate::moved(ty.to_token_stream(), here);
        quote_spanned! {here=> {
            use #rt::ladder::fail::{
                Boxed as _, #last as _, Exact as _, Io as _, Mesh as _,
            };
            (&&&&&#rt::Of::<#ty>::new()).fail(failure)
        }}
    }

    fn crossing(&self, variant: &Variant) -> TokenStream {
        let (rt, cfg, ident) = (&self.rt, &variant.cfg, &variant.ident);
        let code = self.code(variant.code.as_ref());
        let typed = match variant.is_text() {
            true => quote!(false),
            false => self.crosses(&variant.fields),
        };
        let members = members(&variant.fields);
        quote! {
            #(#cfg)*
            Self::#ident { #members } => #rt::derived::Crossing { code: #code, typed: #typed },
        }
    }

    fn write(&self, ty: &str, all: &TokenStream, variant: &Variant) -> TokenStream {
        let (rt, cfg, ident, name) = (&self.rt, &variant.cfg, &variant.ident, &variant.name);
        let (pattern, parts) = (members(&variant.fields), self.parts(&variant.fields));
        let write = match variant.fields.shape {
            Shape::Unit => quote!(write_unit(to, #ty, #all, #name)),
            Shape::Newtype => quote!(write_newtype(to, #ty, #all, #name, &#parts)),
            Shape::Tuple => quote!(write_tuple(to, #ty, #all, #name, &#parts)),
            Shape::Struct => {
                let names = variant.fields.names();
                quote!(write_struct_variant(to, #ty, #all, #name, &[#(#names),*], &#parts))
            }
        };
        quote! {
            #(#cfg)*
            Self::#ident { #pattern } => #rt::derived::#write,
        }
    }

    fn read(&self, variant: &Variant) -> TokenStream {
        let (rt, cfg, ident, name) = (&self.rt, &variant.cfg, &variant.ident, &variant.name);
        if variant.is_text() {
            return quote!(#(#cfg)* #name => #rt::derived::unreadable(content),);
        }
        let remakes = self.remakes(&variant.fields);
        let (values, made) = (values(&variant.fields), members(&variant.fields));
        let read = match variant.fields.shape {
            Shape::Unit => {
                return quote! {
                    #(#cfg)*
                    #name => {
                        #rt::derived::VariantAccess::unit_variant(content)?;
                        #rt::Ok(Self::#ident {})
                    }
                };
            }
            Shape::Newtype => quote! {
                (#rt::derived::VariantAccess::newtype_variant_seed(
                    content,
                    #rt::derived::Seed(fields.0),
                )?, ())
            },
            Shape::Tuple => quote!(#rt::derived::read_tuple::<Self, _, A>(content, fields)?),
            Shape::Struct => {
                let names = variant.fields.names();
                quote! {
                    #rt::derived::read_struct_variant::<Self, _, A>(
                        content, &[#(#names),*], fields,
                    )?
                }
            }
        };
        quote! {
            #(#cfg)*
            #name => {
                let fields = #remakes;
                if !#rt::derived::remakes(&fields) {
                    return #rt::derived::unreadable(content);
                }
                let #values = #read;
                #rt::Ok(Self::#ident { #made })
            }
        }
    }

    fn code(&self, code: Option<&Ident>) -> TokenStream {
        let rt = &self.rt;
        match code {
            Some(code) => quote!(::core::option::Option::Some(#rt::derived::Code::#code)),
            None => quote!(::core::option::Option::None),
        }
    }

    /// Whether these fields can be had again: by their types, and an error among them by its
    /// variant.
    fn crosses(&self, fields: &Fields) -> TokenStream {
        let (rt, remakes, names) = (&self.rt, self.remakes(fields), bindings(fields));
        quote! {
            (&&whole).crosses(
                #rt::derived::remakes(&#remakes) #(&& #rt::error_arrives!(#names))*
            )
        }
    }

    /// What was told, with what each field adds.
    fn caused(&self, fields: &Fields) -> TokenStream {
        let rt = &self.rt;
        let names = bindings(fields);
        names.iter().fold(
            quote!(told),
            |told, name| quote!(#rt::error_cause!(#name, #told)),
        )
    }

    /// What each field is written as.
    fn parts(&self, fields: &Fields) -> TokenStream {
        let rt = &self.rt;
        let names = bindings(fields);
        pairs(names.iter().map(|name| quote!(#rt::error_part!(#name))))
    }

    /// How each field is read.
    fn remakes(&self, fields: &Fields) -> TokenStream {
        let rt = &self.rt;
        let types = fields.members.iter().map(|(_, ty)| ty);
        pairs(types.map(|ty| quote!(#rt::error_remake!(#ty))))
    }
}

impl Variant {
    /// It holds what was told of another error.
    fn is_text(&self) -> bool {
        self.transport.is_some() || self.fallback.is_some()
    }
}

fn bindings(fields: &Fields) -> Vec<Ident> {
    (1..=fields.members.len())
        .map(|number| format_ident!("__f{number}"))
        .collect()
}

/// `member: binding, …`, as pattern and as value.
fn members(fields: &Fields) -> TokenStream {
    let names = bindings(fields);
    let members = fields.members.iter().map(|(member, _)| member);
    quote!(#(#members: #names),*)
}

/// The bindings as nested pairs.
fn values(fields: &Fields) -> TokenStream {
    pairs(bindings(fields).iter().map(ToTokens::to_token_stream))
}

/// `(a, (b, ()))`.
fn pairs(tokens: impl DoubleEndedIterator<Item = TokenStream>) -> TokenStream {
    tokens.rfold(quote!(()), |rest, first| quote!((#first, #rest)))
}
