import { compileCatalogue, type Catalogue } from '../../resource-servers/catalogue.ts'
import type { ResourceServerReads } from '../../resource-servers/ports.ts'
import type { ChangeNotice } from '../sql/touched.ts'

export interface CachedCatalogue {
  current(): Catalogue
  /** Resolves once the catalogue is as new as the change; rejects, with the catalogue as it was, when it cannot be read. */
  invalidate(notice: ChangeNotice): Promise<void>
}

/** The catalogue in memory, read anew after each change of a resource server. */
export async function cachedCatalogue(reads: ResourceServerReads): Promise<CachedCatalogue> {
  let catalogue = compileCatalogue(await reads.all())
  let begun = 0
  let kept = 0
  return {
    current: () => catalogue,
    async invalidate(notice) {
      if (!notice.catalogue) return
      const read = ++begun
      const servers = await reads.all()
      // Of reads that overtook each other, the one that began last has seen the most.
      if (read < kept) return
      kept = read
      catalogue = compileCatalogue(servers)
    },
  }
}
