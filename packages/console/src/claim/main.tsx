import { mount } from '../shell/mount.tsx'
import { ClaimPage } from './ClaimPage.tsx'

// A page that the browser kept, with what it showed, is thrown away when somebody comes back to it.
addEventListener('pageshow', (event) => {
  if (event.persisted) location.reload()
})

mount(<ClaimPage />)
