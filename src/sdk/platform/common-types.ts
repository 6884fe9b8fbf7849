/** A page of a list, newest first. */
export type Page<Item> = { data: Item[]; next_cursor: string | null };

export type PageOf = {
  /** 1 to 100; of audit events up to 1000. */
  limit?: number | undefined;
  cursor?: string | undefined;
};

/** Only named fields change. */
export type Changed<Settings> = { [Name in keyof Settings]?: Settings[Name] | undefined };

export type Done = { success: true };
export type Deleted = { success: true; deleted: string };
