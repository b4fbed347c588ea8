/** The raw loop of a command: a compiled program that prints one line. */
process.stdout.write(`${process.argv.length} words\n`);
