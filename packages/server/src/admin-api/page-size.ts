/** Items of a page when the caller does not say. */
export const defaultPageSize = 100
