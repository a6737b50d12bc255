process.send({ a: 1 }); process.on('message', () => process.exit(4));
