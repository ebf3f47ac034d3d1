//! The `smelt` command.

fn main() -> std::process::ExitCode {
    smelt::main()
}
