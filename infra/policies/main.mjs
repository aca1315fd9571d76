// Pulumi's runner compiles an entry in TypeScript with a compiler of its own, which cannot read this one. Node can.
import "./pack.ts";
