// strftime of Python for the date that some templates write into the system prompt. Owns the directives
// that published templates use; English names, because the models were trained with those. Local time,
// as Python's datetime.now() has it.

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December'
]

/** Unknown directives stay as they are. `%-d` is `%d` without its leading zero. */
export function strftime(date: Date, format: string): string {
  return format.replace(/%(-?)([a-zA-Z%])/g, (whole, minus: string, directive: string) => {
    const text = directiveText(date, directive)
    if (text === null) return whole
    return minus === '-' ? text.replace(/^0+(?=\d)/, '') : text
  })
}

function directiveText(date: Date, directive: string): string | null {
  const two = (value: number) => String(value).padStart(2, '0')
  const day = DAYS[date.getDay()] as string
  const month = MONTHS[date.getMonth()] as string
  const hour = date.getHours()
  switch (directive) {
    case 'Y':
      return String(date.getFullYear())
    case 'y':
      return two(date.getFullYear() % 100)
    case 'm':
      return two(date.getMonth() + 1)
    case 'd':
      return two(date.getDate())
    case 'B':
      return month
    case 'b':
      return month.slice(0, 3)
    case 'A':
      return day
    case 'a':
      return day.slice(0, 3)
    case 'H':
      return two(hour)
    case 'I':
      return two(((hour + 11) % 12) + 1)
    case 'M':
      return two(date.getMinutes())
    case 'S':
      return two(date.getSeconds())
    case 'p':
      return hour < 12 ? 'AM' : 'PM'
    case '%':
      return '%'
    default:
      return null
  }
}
