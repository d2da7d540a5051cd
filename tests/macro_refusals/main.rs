//! What is refused: each case is one misuse, with the one error it gets.

#[test]
fn each_misuse_is_one_error_where_it_was_written() {
    trybuild::TestCases::new().compile_fail("macro_refusals/cases/*.rs");
}
