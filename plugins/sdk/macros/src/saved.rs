//! `#[derive(Saved)]`: all fields of a struct in turn, or the index of an enum's variant and its fields.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Data, DeriveInput, Error, Fields, GenericParam, Ident, Member, Result, parse_quote};

pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let mut generics = input.generics.clone();
    for param in &mut generics.params {
        match param {
            GenericParam::Type(param) => param.bounds.push(parse_quote!(::smelt_sdk::saved::Saved)),
            GenericParam::Lifetime(lifetime) => {
                let message = "what is saved borrows nothing: use `String` instead of `&str`";
                return Err(Error::new_spanned(lifetime, message));
            }
            GenericParam::Const(_) => {}
        }
    }
    let (save, resume) = match &input.data {
        Data::Struct(data) => {
            let Cells { pattern, save, resume } = cells(&data.fields);
            // A value without fields has a byte too.
            let nothing = data.fields.is_empty();
            let (saves, resumes) = match nothing {
                true => (
                    quote!(::smelt_sdk::saved::Saved::save(&(), out);),
                    quote!(<() as ::smelt_sdk::saved::Saved>::resume(bytes)?;),
                ),
                false => (quote!(), quote!()),
            };
            (quote! { let Self #pattern = *self; #saves #save }, quote!({ #resumes Self #resume }))
        }
        Data::Enum(data) => {
            let (mut saves, mut resumes) = (vec![], vec![]);
            for (index, variant) in (0u32..).zip(&data.variants) {
                let (name, Cells { pattern, save, resume }) = (&variant.ident, cells(&variant.fields));
                saves.push(quote! { Self::#name #pattern => { ::smelt_sdk::saved::Saved::save(&#index, out); #save } });
                resumes.push(quote!(#index => Self::#name #resume,));
            }
            let resume = quote! {
                match <u32 as ::smelt_sdk::saved::Saved>::resume(bytes)? {
                    #(#resumes)*
                    _ => return Err(::smelt_sdk::saved::malformed()),
                }
            };
            (quote!(match *self { #(#saves)* }), resume)
        }
        Data::Union(_) => return Err(Error::new_spanned(&input.ident, "what is saved is a struct or an enum")),
    };
    let (name, (own, of, bounds)) = (&input.ident, generics.split_for_impl());
    Ok(quote! {
        impl #own ::smelt_sdk::saved::Saved for #name #of #bounds {
            fn save(&self, out: &mut Vec<u8>) {
                #save
            }
            fn resume(bytes: &mut &[u8]) -> ::smelt_sdk::Result<Self> {
                Ok(#resume)
            }
        }
    })
}

/// The parts of a struct, or of a variant.
struct Cells {
    /// Binds each field to a name.
    pattern: TokenStream,
    save: TokenStream,
    /// Gives each field.
    resume: TokenStream,
}

fn cells(fields: &Fields) -> Cells {
    let members: Vec<Member> = fields.members().collect();
    let names: Vec<Ident> = (0..members.len()).map(|index| format_ident!("field_{index}")).collect();
    Cells {
        pattern: quote!({ #(#members: ref #names,)* }),
        save: quote!(#(::smelt_sdk::saved::Saved::save(#names, out);)*),
        resume: quote!({ #(#members: ::smelt_sdk::saved::Saved::resume(bytes)?,)* }),
    }
}
