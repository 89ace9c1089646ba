/** Columns and rows; where nobody knows, those of a terminal of old. */
export function sizeOf({ columns, rows }: { columns?: number; rows?: number }): { columns: number; rows: number } {
  return { columns: columns || 80, rows: rows || 24 }
}
