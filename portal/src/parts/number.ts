const format = new Intl.NumberFormat();

export function number(value: number): string {
  return format.format(value);
}
