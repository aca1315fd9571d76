/**
 * Where there is land: a grid of 3 degrees from 180° W, 81° N on, one row of 120 bits for each latitude. Counted on the
 * coasts of Natural Earth (public domain, 1:50 million); a field is land where half of it is.
 */
const rows = [
  "0000000ffffffc00f0000018000000",
  "0000031fc3fff80000000003c00000",
  "00001ebaa07ff800000205fff61000",
  "03e017cbf83ff0001c003fffffffc0",
  "c7ffffff9e3f80007fdfffffffffff",
  "23ffffff0e1e0600efffffffffffff",
  "07fffff8300c0003dffffffffffffc",
  "0183fff83e000022cfffffffffe040",
  "0000ffff3f000021dfffffffffc0c0",
  "00007fffff800053ffffffffffe080",
  "00003fffff40001ffffffffffff000",
  "00001ffffe00001fffffffffffc000",
  "00001ffff800007ffc7fffffff9000",
  "00001ffff000007877fffffffe0000",
  "00001fffe000007017fffffff22000",
  "00000fffc000003f00fffffff2c000",
  "000007ff8000007ff9fffffff00000",
  "000003f0800000fffff7fffff80000",
  "000002f0000001fffff9fffff00000",
  "00000060400003ffff7f1fffc00000",
  "00000072080001fffffe0f9f800000",
  "0000001e000003ffffbc0e0f080000",
  "00000003000003fffff00607080000",
  "000000011e0001fffff80601000000",
  "000000003f0000fffff80004040000",
  "000000003fe00043fff0000c300000",
  "000000003fe00001ffe00006e00000",
  "000000007ff80001ffc00006e80000",
  "000000007fff0000ff800002007000",
  "000000007fff0000ff800000803800",
  "000000003fff0000ff800000000000",
  "000000003ffe0000ffc8000001d000",
  "000000001ffe0000ff98000007d800",
  "0000000007fe0000ff1000000ff800",
  "0000000007fc00007f3000003ffc00",
  "000000000ff000007e0000003ffe00",
  "000000000ff000007e0000003ffe00",
  "000000000fe000003c0000003ffe00",
  "000000000fc0000020000000107c00",
  "000000001f80000000000000001c02",
  "000000001e00000000000000000002",
  "000000000e0000000000000000000c",
  "000000001c00000000000000000008",
  "000000001800000000000000000000",
  "000000001800000000000000000000",
  "000000000000000000000000000000",
];
export const gridDegrees = 3;
const columns = 360 / gridDegrees;
const north = 81;

/** Middles of the fields that are land: longitude and latitude in degrees. */
export function landFields(): readonly (readonly [longitude: number, latitude: number])[] {
  return rows.flatMap((row, line) => {
    const bits = BigInt(`0x${row}`).toString(2).padStart(columns, "0");
    return [...bits].flatMap((bit, column) =>
      bit === "1" ? [[(column + 0.5) * gridDegrees - 180, north - (line + 0.5) * gridDegrees] as const] : [],
    );
  });
}
