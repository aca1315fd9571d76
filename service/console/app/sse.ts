/** Server-sent events over `fetch`: `EventSource` cannot send an `Authorization` header. */
export interface ServerEvent {
  type: string;
  id: string | null;
  /** Empty when the server only moved the id on. */
  data: string;
}

/** The events of a stream. Ends when the stream does, throws when it breaks. */
export async function* serverEvents(stream: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<ServerEvent> {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    while (true) {
      const { done, value } = await reader.read();
      if (done) return;
      // A carriage return at the end may be half of a line end: wait for what follows.
      const [text, held] = cutCarriageReturn(rest + value);
      const frames = text.replaceAll(/\r\n?/g, "\n").split("\n\n");
      rest = frames.pop()! + held;
      for (const frame of frames) {
        const event = parseFrame(frame);
        if (event) yield event;
      }
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

function cutCarriageReturn(text: string): [string, string] {
  return text.endsWith("\r") ? [text.slice(0, -1), "\r"] : [text, ""];
}

/** One block of lines, or null for a comment or the like. */
function parseFrame(frame: string): ServerEvent | null {
  const event: ServerEvent = { type: "message", id: null, data: "" };
  const data: string[] = [];
  for (const line of frame.split("\n")) {
    const [, field, value = ""] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
    if (field === "event") event.type = value;
    else if (field === "id") event.id = value;
    else if (field === "data") data.push(value);
  }
  // An id without data says how far a quiet stream has come.
  if (data.length === 0 && event.id === null) return null;
  event.data = data.join("\n");
  return event;
}
