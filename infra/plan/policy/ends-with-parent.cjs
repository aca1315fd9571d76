// Loaded before Pulumi's policy runner, which listens until somebody ends it. Its standard input closes when the process that
// started it is gone, in whatever way.
process.stdin.on("end", () => process.exit()).resume();
