//! Types over several lines.

use syn::{GenericArgument, PathArguments, ReturnType, Type};

use super::{Shape, flat, vertical};

/// A type.
pub(super) fn ty(written: &Type, shape: Shape) -> String {
    let text = flat::tokens(written);
    if shape.fits(&text) {
        return text;
    }
    match written {
        Type::Path(path) if path.qself.is_none() => {
            let mut before = path.path.clone();
            let last = before.segments.last_mut();
            let arguments = last.map(|last| std::mem::take(&mut last.arguments));
            let Some(PathArguments::AngleBracketed(list)) = arguments else {
                return text;
            };
            let inside = shape.inside(1);
            let lines = list.args.iter().map(|argument| match argument {
                GenericArgument::Type(written) => ty(written, inside),
                other => flat::tokens(other),
            });
            let head = flat::tokens(&before);
            format!("{head}{}", vertical(lines.collect(), "<", ">", shape))
        }
        Type::Tuple(tuple) if !tuple.elems.is_empty() => {
            let inside = shape.inside(1);
            let lines = tuple.elems.iter().map(|element| ty(element, inside));
            vertical(lines.collect(), "(", ")", shape)
        }
        Type::FnPtr(function) => {
            let inside = shape.inside(1);
            let lines = function.inputs.iter().map(|input| ty(&input.ty, inside));
            let inputs = match function.inputs.is_empty() {
                true => "()".to_owned(),
                false => vertical(lines.collect(), "(", ")", shape),
            };
            let output = match &function.output {
                ReturnType::Default => String::new(),
                ReturnType::Type(_, output) => {
                    let head = format!("{inputs} -> ");
                    format!(" -> {}", ty(output, shape.after(&head)))
                }
            };
            format!("fn{inputs}{output}")
        }
        _ => text,
    }
}
