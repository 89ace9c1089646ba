/** With `node --import`: SIGUSR2 makes the program fail where it expects it least. */
process.on('SIGUSR2', () => {
  throw new Error('a crash')
})
