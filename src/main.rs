//! The command line's entry.

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let args: Vec<String> = std::env::args().collect();
    let demo = arrears::demo::Demo {
        dir: args[1].clone().into(),
        database: args.get(4).cloned(),
        accounts: args[2].parse()?,
        days: args[3].parse()?,
        seed: 1,
        start: arrears::domain::day::parse("2026-01-05").expect("a date"),
    };
    let shown = runtime.block_on(demo.show(&|day, shown| {
        if day.to_string().ends_with("01") {
            eprintln!("{day} {shown:?}");
        }
    }))?;
    println!("{shown:#?}");
    Ok(())
}
