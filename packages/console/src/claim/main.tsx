import { mount } from '../shell/mount.tsx'
import { ClaimPage } from './ClaimPage.tsx'

// A page that the browser kept, with what it showed, is thrown away when somebody comes back to it.
addEventListener('pageshow', (event) => {
  if (!event.persisted) return
  document.body.replaceChildren()
  location.reload()
})

// A link that was cut off, and is pasted whole over it, is another link: browsers load nothing when only the fragment changes.
addEventListener('hashchange', () => location.reload())

mount(<ClaimPage />)
