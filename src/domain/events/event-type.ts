import { z } from 'zod';

/** Schema of the events of one type, as callers see them. */
export type EventType = {
  /** When the event happens, as one sentence. */
  says: string;
  /** Kind of thing that `target_id` names. */
  target: string;
  /**
   * Allow-list of the details, each with its schema. Every one may be absent: the event is of a
   * release that did not write it, or its value has a form that may not be shown.
   */
  details: z.ZodObject;
  example: Record<string, unknown>;
};

export function eventType<Shape extends z.ZodRawShape>(
  says: string,
  target: string,
  shape: Shape,
  example: Partial<z.input<z.ZodObject<Shape>>>,
): EventType {
  return { says, target, details: z.object(shape).partial(), example };
}
