//! `#[derive(Row)]`: the columns of a struct, or of an enum, whose rows are of several kinds.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::parse::Parse as _;
use syn::{Data, DeriveInput, Error, Fields, GenericParam, Ident, Lifetime, Result, Type};

/// One field of a struct or of a variant.
struct Cell {
    name: Ident,
    ty: Type,
    /// Set if it is added up.
    sum: bool,
}

/// The name of the column that says of which kind a row is.
const TAG: &str = "kind";

pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let lifetime = lifetime(input)?;
    let order = order(input)?;
    let name = &input.ident;
    let (own, of, fixed) = match &lifetime {
        Some(lifetime) => (quote!(<#lifetime>), quote!(<'smelt>), quote!(<'static>)),
        None => (quote!(), quote!(), quote!()),
    };
    let body = match &input.data {
        Data::Struct(data) => of_struct(name, &cells(&data.fields)?, &order, lifetime.as_ref())?,
        Data::Enum(data) => {
            let variants = data.variants.iter().map(|variant| Ok((variant.ident.clone(), cells(&variant.fields)?)));
            of_enum(name, &variants.collect::<Result<Vec<_>>>()?, &order, lifetime.as_ref())?
        }
        Data::Union(_) => return Err(Error::new_spanned(name, "a row is a struct or an enum")),
    };
    Ok(quote! {
        impl #own ::smelt_sdk::rows::Row for #name #own {
            type Of<'smelt> = #name #of;
            type Static = #name #fixed;
            #body
        }
    })
}

fn lifetime(input: &DeriveInput) -> Result<Option<Lifetime>> {
    let mut params = input.generics.params.iter();
    match (params.next(), params.next()) {
        (None, _) => Ok(None),
        (Some(GenericParam::Lifetime(param)), None) => Ok(Some(param.lifetime.clone())),
        _ => Err(Error::new_spanned(&input.generics, "a row has at most one parameter, a lifetime")),
    }
}

/// The columns that come first.
#[derive(Default)]
struct Order {
    /// Those of the group, if it is said.
    group: Option<Vec<Ident>>,
    /// Those between the group and the kind of a row.
    then: Vec<Ident>,
}

/// Reads `#[row(group(a, b), then(c))]`.
fn order(input: &DeriveInput) -> Result<Order> {
    let mut order = Order::default();
    for attribute in input.attrs.iter().filter(|attribute| attribute.path().is_ident("row")) {
        attribute.parse_nested_meta(|meta| {
            let is_group = meta.path.is_ident("group");
            if !is_group && !meta.path.is_ident("then") {
                return Err(meta.error("expected `group(…)` or `then(…)`"));
            }
            let content;
            syn::parenthesized!(content in meta.input);
            let names = content.parse_terminated(Ident::parse, syn::Token![,])?;
            match is_group {
                true => order.group = Some(names.into_iter().collect()),
                false => order.then = names.into_iter().collect(),
            }
            Ok(())
        })?;
    }
    Ok(order)
}

fn cells(fields: &Fields) -> Result<Vec<Cell>> {
    let mut cells: Vec<Cell> = Vec::new();
    for field in fields {
        let Some(name) = field.ident.clone() else {
            return Err(Error::new_spanned(field, "the fields of a row have names: they are columns"));
        };
        let sum = field.attrs.iter().any(|attribute| attribute.path().is_ident("sum"));
        if !sum && cells.last().is_some_and(|last| last.sum) {
            return Err(Error::new_spanned(field, "sums come after all other columns"));
        }
        cells.push(Cell { name, ty: field.ty.clone(), sum });
    }
    Ok(cells)
}

/// Returns the type with another lifetime, which the GATs of the trait need.
fn with_lifetime(ty: &Type, lifetime: Option<&Lifetime>) -> TokenStream {
    fn replace(tokens: TokenStream, name: &str) -> TokenStream {
        use proc_macro2::TokenTree::{Group, Ident};
        let (mut out, mut after_tick) = (TokenStream::new(), false);
        for token in tokens {
            let token = match token {
                Group(group) => {
                    let mut replaced = proc_macro2::Group::new(group.delimiter(), replace(group.stream(), name));
                    replaced.set_span(group.span());
                    Group(replaced)
                }
                Ident(ident) if after_tick && ident == name => Ident(proc_macro2::Ident::new("smelt", ident.span())),
                other => other,
            };
            after_tick = matches!(&token, proc_macro2::TokenTree::Punct(punct) if punct.as_char() == '\'');
            out.extend([token]);
        }
        out
    }
    match lifetime {
        Some(lifetime) => replace(quote!(#ty), &lifetime.ident.to_string()),
        None => quote!(#ty),
    }
}

/// Returns `T` of `Option<T>`, and any other type as it is.
fn without_option(ty: &Type) -> &Type {
    if let Type::Path(path) = ty
        && let Some(last) = path.path.segments.last()
        && last.ident == "Option"
        && let syn::PathArguments::AngleBracketed(arguments) = &last.arguments
        && let Some(syn::GenericArgument::Type(inner)) = arguments.args.first()
    {
        return inner;
    }
    ty
}

fn of_struct(name: &Ident, cells: &[Cell], order: &Order, lifetime: Option<&Lifetime>) -> Result<TokenStream> {
    if let Some(column) = order.then.first() {
        return Err(Error::new_spanned(column, "`then` is for rows of several kinds; fields sort as they are written"));
    }
    let group = order.group.as_deref();
    for (index, wanted) in group.unwrap_or_default().iter().enumerate() {
        if cells.get(index).is_none_or(|cell| cell.name != *wanted || cell.sum) {
            return Err(Error::new_spanned(wanted, "the columns of the group are the first fields, in the same order"));
        }
    }
    let group = some_length(group);
    let types: Vec<_> = cells.iter().map(|cell| with_lifetime(&cell.ty, lifetime)).collect();
    let names: Vec<_> = cells.iter().map(|cell| &cell.name).collect();
    let texts: Vec<_> = names.iter().map(|name| plain(name)).collect();
    let views: Vec<_> = (0..cells.len()).map(|index| format_ident!("view_{index}")).collect();
    let (keys, sums) = (of_kind(cells, false, lifetime), of_kind(cells, true, lifetime));
    let counted = cells.iter().any(|cell| cell.sum && cell.name == "rows");
    let of = |sum: bool| {
        cells
            .iter()
            .enumerate()
            .filter(move |(_, cell)| cell.sum == sum)
            .map(|(index, cell)| (&cell.name, index))
            .unzip()
    };
    let ((key_names, key_indices), (sum_names, sum_indices)): ((Vec<_>, Vec<_>), (Vec<_>, Vec<_>)) =
        (of(false), of(true));
    Ok(quote! {
        type Reader<'smelt> = (#(<#types as ::smelt_sdk::rows::Cell<'smelt>>::View,)*);
        fn columns() -> ::smelt_sdk::rows::Columns {
            fn all<'smelt>() -> ::smelt_sdk::rows::Columns {
                ::smelt_sdk::rows::Columns {
                    keys: vec![#(#keys),*],
                    sums: vec![#(#sums),*],
                    group: #group,
                    counted: #counted,
                }
            }
            all()
        }
        fn reader<'smelt>(rows: &::smelt_sdk::Batch<'smelt>) -> ::smelt_sdk::Result<Self::Reader<'smelt>> {
            Ok((#(<#types as ::smelt_sdk::rows::Cell<'smelt>>::view(rows, #texts)?,)*))
        }
        #[inline(always)]
        fn read<'smelt>(reader: &Self::Reader<'smelt>, row: usize) -> ::smelt_sdk::Result<Self::Of<'smelt>> {
            let (#(#views,)*) = reader;
            Ok(#name { #(#names: ::smelt_sdk::rows::Cell::get(#views, row),)* })
        }
        #[inline(always)]
        fn write(self, out: ::smelt_sdk::Row<'_>) -> ::smelt_sdk::Row<'_> {
            let Self { #(#names,)* } = self;
            #(let out = ::smelt_sdk::rows::Cell::put(#names, out);)*
            out
        }
        #[inline(always)]
        fn hash(&self) -> u64 {
            let hash = 0;
            #(let hash = ::smelt_sdk::rows::Cell::mix(&self.#key_names, hash);)*
            hash
        }
        #[inline(always)]
        fn same_key(&self, table: &::smelt_sdk::Table, row: usize) -> bool {
            #(::smelt_sdk::rows::Cell::is_at(&self.#key_names, table, #key_indices, row) &&)* true
        }
        #[inline(always)]
        fn add_to(&self, table: &mut ::smelt_sdk::Table, row: usize, count: Option<usize>) -> bool {
            let fits = #(::smelt_sdk::Sum::fits_at(self.#sum_names, table, #sum_indices, row) &&)* true;
            if fits {
                #(::smelt_sdk::Sum::add_at(self.#sum_names, table, #sum_indices, row);)*
                if let Some(count) = count {
                    ::smelt_sdk::Sum::add_at(1i64, table, count, row);
                }
            }
            fits
        }
    })
}

fn of_enum(
    name: &Ident,
    variants: &[(Ident, Vec<Cell>)],
    order: &Order,
    lifetime: Option<&Lifetime>,
) -> Result<TokenStream> {
    let Some(group) = &order.group else {
        return Err(Error::new_spanned(
            name,
            "rows of several kinds say their group: `#[row(group(…))]`, empty for one",
        ));
    };
    // The columns of all variants, each once.
    let mut union: Vec<&Cell> = Vec::new();
    for cell in variants.iter().flat_map(|(_, cells)| cells) {
        if cell.name == TAG {
            return Err(Error::new_spanned(&cell.name, "the column `kind` says of which kind a row is"));
        }
        match union.iter().find(|known| known.name == cell.name) {
            None => union.push(cell),
            Some(known) => {
                let (one, other) = (without_option(&known.ty), without_option(&cell.ty));
                if quote!(#one).to_string() != quote!(#other).to_string() || known.sum != cell.sum {
                    return Err(Error::new_spanned(&cell.ty, "this column has another type in a variant before"));
                }
            }
        }
    }
    let group_length = group.len();
    let first: Vec<&Ident> = group.iter().chain(&order.then).collect();
    let first = first.as_slice();
    for &wanted in first {
        let lacks = |cells: &[Cell]| !cells.iter().any(|cell| cell.name == *wanted && !cell.sum);
        if let Some((variant, _)) = variants.iter().find(|(_, cells)| lacks(cells)) {
            return Err(Error::new_spanned(variant, format!("it lacks the column `{wanted}` of `group` or `then`")));
        }
    }
    let (rows, union): (Vec<_>, Vec<_>) = union.into_iter().partition(|cell| cell.sum && cell.name == "rows");
    let grouped = first.iter().filter_map(|&wanted| union.iter().find(|cell| cell.name == *wanted)).copied();
    let grouped: Vec<&Cell> = grouped.collect();
    let rest = |sum: bool| union.iter().copied().filter(move |cell| cell.sum == sum && !first.contains(&&cell.name));
    let (keys, sums): (Vec<&Cell>, Vec<&Cell>) =
        (rest(false).collect(), rest(true).chain(rows.iter().copied()).collect());

    // A column that an earlier variant has too sorts where that one has it, before what is written before it here.
    for (_, cells) in variants {
        let places = cells.iter().filter_map(|cell| Some((cell, keys.iter().position(|key| key.name == cell.name)?)));
        let mut last = 0;
        for (cell, place) in places {
            if place < last {
                let message = "rows sort by this column before those written before it, as a variant above has it too";
                return Err(Error::new_spanned(&cell.name, format!("{message}: name it differently")));
            }
            last = place;
        }
    }
    let field = |cell: &&Cell, optional: bool| {
        let (name, ty) =
            (plain(&cell.name), with_lifetime(if optional { without_option(&cell.ty) } else { &cell.ty }, lifetime));
        let field = quote!(<#ty as ::smelt_sdk::rows::Cell<'smelt>>::field(#name));
        if optional { quote!(::smelt_sdk::nullable(#field)) } else { field }
    };
    let key_fields = grouped.iter().map(|cell| field(cell, false));
    let key_fields =
        key_fields.chain([quote!(::smelt_sdk::int64(#TAG))]).chain(keys.iter().map(|cell| field(cell, true)));
    let sum_fields = sums.iter().map(|cell| sum_field(cell, lifetime));
    let counted = !rows.is_empty();

    let all: Vec<&Cell> = grouped.iter().chain(&keys).chain(&sums).copied().collect();
    let types: Vec<_> = all.iter().map(|cell| with_lifetime(&cell.ty, lifetime)).collect();
    let texts = all.iter().map(|cell| plain(&cell.name));
    let views: Vec<_> = (0..all.len()).map(|index| format_ident!("view_{index}")).collect();
    let reads = (0i64..).zip(variants).map(|(tag, (variant, cells))| {
        let fields = cells.iter().map(|cell| {
            let index = all.iter().position(|known| known.name == cell.name).unwrap_or_default();
            let (name, view, ty) = (&cell.name, &views[index], with_lifetime(&cell.ty, lifetime));
            quote!(#name: <#ty as ::smelt_sdk::rows::Cell<'smelt>>::get(#view, row))
        });
        quote!(#tag => #name::#variant { #(#fields,)* },)
    });
    let writes = (0i64..).zip(variants).map(|(tag, (variant, cells))| {
        let names = cells.iter().map(|cell| &cell.name);
        let has = |wanted: &&Cell| cells.iter().any(|cell| cell.name == wanted.name);
        let put = |cell: &&Cell| {
            let name = &cell.name;
            match (has(cell), cell.sum, cell.name == "rows") {
                (true, ..) => quote!(let out = ::smelt_sdk::rows::Cell::put(#name, out);),
                (false, true, true) => quote!(let out = out.integer(1);),
                (false, true, false) => quote!(let out = out.zero();),
                (false, false, _) => quote!(let out = out.missing();),
            }
        };
        let (before, after) = (grouped.iter().map(put), keys.iter().chain(&sums).map(put));
        quote! {
            Self::#variant { #(#names,)* } => {
                #(#before)*
                let out = out.integer(#tag);
                #(#after)*
                out
            }
        }
    });
    // A row with the same kind lacks the same columns, so the variant's own cells are all that is compared and added.
    let index = |cell: &Cell| {
        let index = all.iter().position(|known| known.name == cell.name).unwrap_or_default();
        index + usize::from(index >= first.len())
    };
    let of = |cells: &[Cell], sum: bool| -> (Vec<Ident>, Vec<usize>) {
        cells.iter().filter(|cell| cell.sum == sum).map(|cell| (cell.name.clone(), index(cell))).unzip()
    };
    let arm = |make: &dyn Fn(i64, &[Cell]) -> TokenStream| -> Vec<TokenStream> {
        let arms = (0i64..).zip(variants).map(|(tag, (variant, cells))| {
            let (names, body) = (cells.iter().map(|cell| &cell.name), make(tag, cells));
            quote!(#[allow(unused_variables)] Self::#variant { #(#names,)* } => { #body })
        });
        arms.collect()
    };
    let hashes = arm(&|tag, cells| {
        let (names, _) = of(cells, false);
        quote! {
            let hash = ::smelt_sdk::rows::mix(0, #tag as u64);
            #(let hash = ::smelt_sdk::rows::Cell::mix(#names, hash);)*
            hash
        }
    });
    let tag_index = first.len();
    let compares = arm(&|tag, cells| {
        let (names, indices) = of(cells, false);
        quote! {
            ::smelt_sdk::rows::Cell::is_at(&#tag, table, #tag_index, row)
                #(&& ::smelt_sdk::rows::Cell::is_at(#names, table, #indices, row))*
        }
    });
    let fits = arm(&|_, cells| {
        let (names, indices) = of(cells, true);
        quote!(true #(&& ::smelt_sdk::Sum::fits_at(*#names, table, #indices, row))*)
    });
    let adds = arm(&|_, cells| {
        let (names, indices) = of(cells, true);
        let counts = rows.first().filter(|_| !names.iter().any(|name| name == "rows")).map(|rows| index(rows));
        let counts = counts.into_iter();
        quote! {
            #(::smelt_sdk::Sum::add_at(*#names, table, #indices, row);)*
            #(::smelt_sdk::Sum::add_at(1i64, table, #counts, row);)*
        }
    });
    Ok(quote! {
        type Reader<'smelt> = (
            ::smelt_sdk::Integers<'smelt>,
            #(<#types as ::smelt_sdk::rows::Cell<'smelt>>::View,)*
        );
        fn columns() -> ::smelt_sdk::rows::Columns {
            fn all<'smelt>() -> ::smelt_sdk::rows::Columns {
                ::smelt_sdk::rows::Columns {
                    keys: vec![#(#key_fields),*],
                    sums: vec![#(#sum_fields),*],
                    group: Some(#group_length),
                    counted: #counted,
                }
            }
            all()
        }
        fn reader<'smelt>(rows: &::smelt_sdk::Batch<'smelt>) -> ::smelt_sdk::Result<Self::Reader<'smelt>> {
            Ok((rows.integers(#TAG)?, #(<#types as ::smelt_sdk::rows::Cell<'smelt>>::view(rows, #texts)?,)*))
        }
        #[inline(always)]
        fn read<'smelt>(reader: &Self::Reader<'smelt>, row: usize) -> ::smelt_sdk::Result<Self::Of<'smelt>> {
            let (kind, #(#views,)*) = reader;
            Ok(match kind.value(row) {
                #(#reads)*
                other => return Err(::smelt_sdk::rows::unknown_kind(other)),
            })
        }
        #[inline(always)]
        fn write(self, out: ::smelt_sdk::Row<'_>) -> ::smelt_sdk::Row<'_> {
            match self { #(#writes)* }
        }
        #[inline(always)]
        fn hash(&self) -> u64 {
            match self { #(#hashes)* }
        }
        #[inline(always)]
        fn same_key(&self, table: &::smelt_sdk::Table, row: usize) -> bool {
            match self { #(#compares)* }
        }
        #[inline(always)]
        fn add_to(&self, table: &mut ::smelt_sdk::Table, row: usize, count: Option<usize>) -> bool {
            let fits = match self { #(#fits)* };
            if fits {
                match self { #(#adds)* }
                if let Some(count) = count {
                    ::smelt_sdk::Sum::add_at(1i64, table, count, row);
                }
            }
            fits
        }
    })
}

/// Returns the fields of a struct's keys or sums.
fn of_kind(cells: &[Cell], sum: bool, lifetime: Option<&Lifetime>) -> Vec<TokenStream> {
    let of_kind = cells.iter().filter(|cell| cell.sum == sum);
    let field = |cell: &Cell| match sum {
        true => sum_field(cell, lifetime),
        false => {
            let (name, ty) = (plain(&cell.name), with_lifetime(&cell.ty, lifetime));
            quote!(<#ty as ::smelt_sdk::rows::Cell<'smelt>>::field(#name))
        }
    };
    of_kind.map(field).collect()
}

/// Returns the field of a sum, whose type must be one that can be added up.
fn sum_field(cell: &Cell, lifetime: Option<&Lifetime>) -> TokenStream {
    let (name, ty) = (plain(&cell.name), with_lifetime(&cell.ty, lifetime));
    quote!(::smelt_sdk::rows::sum_field::<#ty>(#name))
}

fn some_length(group: Option<&[Ident]>) -> TokenStream {
    match group {
        Some(group) => {
            let length = group.len();
            quote!(Some(#length))
        }
        None => quote!(None),
    }
}

/// Returns a column's name: `type` of a field `r#type`.
fn plain(name: &Ident) -> String {
    let name = name.to_string();
    name.strip_prefix("r#").map(str::to_owned).unwrap_or(name)
}
