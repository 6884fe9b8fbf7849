import { SegmentedControl, Select } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { narrowWindow } from './narrow-window.ts';

type Props = {
  data: { value: string; label: string }[];
  value: string;
  onChange: (value: string) => void;
};

/** Choice of a time span; a list where a row of buttons has no room. */
export function SpanPicker({ data, value, onChange }: Props) {
  const isNarrow = useMediaQuery(narrowWindow, false, { getInitialValueInEffect: false });
  if (!isNarrow) {
    return <SegmentedControl aria-label="Time span" data={data} value={value} onChange={onChange} />;
  }
  return (
    <Select
      aria-label="Time span"
      data={data}
      allowDeselect={false}
      value={value}
      onChange={(chosen) => onChange(chosen ?? value)}
    />
  );
}
