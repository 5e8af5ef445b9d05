/* A line editor for the shell: cursor keys, history, completion of file names; UTF-8. */
#include "starry.h"

static char *history[200];
static int history_count;

struct line {
    const char *prompt;
    char text[4096];
    size_t size, at; /* bytes */
    int back;        /* how far up in the history */
    char draft[4096];
};

void history_add(const char *line)
{
    size_t size = strcspn(line, "\n");
    if (history_count && strlen(history[history_count - 1]) == size &&
        strncmp(history[history_count - 1], line, size) == 0)
        return;
    if (history_count == sizeof history / sizeof *history) {
        free(history[0]);
        memmove(history, history + 1, sizeof history - sizeof *history);
        history_count--;
    }
    history[history_count++] = strndup(line, size);
}

void history_print(void)
{
    for (int i = 0; i < history_count; i++)
        printf("%4d  %s\n", i + 1, history[i]);
}

static bool continues(char c) /* the second and later bytes of a UTF-8 character */
{
    return (c & 0xC0) == 0x80;
}

static size_t width(const char *text, size_t size)
{
    size_t columns = 0;
    for (size_t i = 0; i < size; i++)
        columns += !continues(text[i]);
    return columns;
}

/* Draw the part of the line that fits, so that one terminal row is always enough. */
static void draw(struct line *l)
{
    char out[8300];
    size_t columns = terminal_width(), prompt = width(l->prompt, strlen(l->prompt)), start = 0;
    size_t room = columns > prompt + 2 ? columns - prompt - 1 : 1;
    while (width(l->text + start, l->at - start) > room)
        do
            start++;
        while (start < l->at && continues(l->text[start]));
    size_t end = start;
    while (end < l->size && (width(l->text + start, end - start) < room || continues(l->text[end])))
        end++;
    size_t right = prompt + width(l->text + start, l->at - start);
    int n = snprintf(out, sizeof out, "\r%s%.*s\033[K\r", l->prompt, (int)(end - start),
                     l->text + start);
    if (right)
        n += snprintf(out + n, sizeof out - n, "\033[%zuC", right);
    write_all(2, out, n);
}

static void insert(struct line *l, const char *bytes, size_t count)
{
    if (l->size + count + 2 > sizeof l->text)
        return;
    memmove(l->text + l->at + count, l->text + l->at, l->size - l->at);
    memcpy(l->text + l->at, bytes, count);
    l->size += count;
    l->at += count;
}

static void erase(struct line *l, size_t from, size_t to)
{
    memmove(l->text + from, l->text + to, l->size - to);
    l->size -= to - from;
    l->at = from;
}

static size_t left_of(struct line *l, size_t at)
{
    while (at > 0 && continues(l->text[--at]))
        ;
    return at;
}

static size_t right_of(struct line *l, size_t at)
{
    if (at < l->size)
        at++;
    while (at < l->size && continues(l->text[at]))
        at++;
    return at;
}

static size_t word_left(struct line *l)
{
    size_t at = l->at;
    while (at > 0 && l->text[at - 1] == ' ')
        at--;
    while (at > 0 && l->text[at - 1] != ' ')
        at--;
    return at;
}

static void recall(struct line *l, int step)
{
    int back = l->back + step;
    if (back < 0 || back > history_count)
        return;
    if (l->back == 0)
        snprintf(l->draft, sizeof l->draft, "%.*s", (int)l->size, l->text);
    l->back = back;
    snprintf(l->text, sizeof l->text, "%s", back ? history[history_count - back] : l->draft);
    l->at = l->size = strlen(l->text);
}

/* Complete the word before the cursor: a file name, or a program when it is the first word. */
static void complete(struct line *l)
{
    size_t start = l->at;
    while (start > 0 && !strchr(" ;|&<>", l->text[start - 1]))
        start--;
    char word[1024], folder[1024], common[256] = "";
    snprintf(word, sizeof word, "%.*s", (int)(l->at - start), l->text + start);
    char *slash = strrchr(word, '/');
    const char *stem = slash ? slash + 1 : word;
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - word) + 1 : 0, word);
    size_t before = start;
    while (before > 0 && l->text[before - 1] == ' ')
        before--;
    bool command = !slash && (before == 0 || strchr(";|&", l->text[before - 1]));
    DIR *dir = opendir(command ? "/bin" : *folder ? folder : ".");
    if (!dir)
        return;
    int matches = 0;
    bool is_folder = false;
    for (struct dirent *entry; (entry = readdir(dir));) {
        const char *name = entry->d_name;
        if (strncmp(name, stem, strlen(stem)) != 0 || (*name == '.' && *stem != '.'))
            continue;
        if (matches++ == 0) {
            struct stat st;
            snprintf(common, sizeof common, "%s", name);
            is_folder = fstatat(dirfd(dir), name, &st, 0) == 0 && S_ISDIR(st.st_mode);
        }
        size_t same = 0;
        while (common[same] && common[same] == name[same])
            same++;
        common[same] = 0;
    }
    closedir(dir);
    if (!matches)
        return;
    insert(l, common + strlen(stem), strlen(common) - strlen(stem));
    if (matches == 1)
        insert(l, is_folder ? "/" : " ", 1);
}

static int key(void)
{
    unsigned char c;
    ssize_t n = read(0, &c, 1);
    return n == 1 ? c : n == 0 ? 4 : -1;
}

enum { UP = 0x100, DOWN, RIGHT, LEFT, HOME, END, DELETE, OTHER };

/* What follows an escape character: ESC [ A and its relatives, see console_codes(4). */
static int escape_sequence(void)
{
    int c = key();
    if (c != '[' && c != 'O')
        return OTHER;
    int number = 0;
    while (isdigit(c = key()) || c == ';')
        number = isdigit(c) ? number * 10 + c - '0' : 0;
    switch (c) {
    case 'A': return UP;
    case 'B': return DOWN;
    case 'C': return RIGHT;
    case 'D': return LEFT;
    case 'H': return HOME;
    case 'F': return END;
    case '~': return number == 3 ? DELETE : number == 1 || number == 7 ? HOME
                     : number == 4 || number == 8                      ? END
                                                                       : OTHER;
    default: return OTHER;
    }
}

#define CTRL(letter) ((letter) & 31)

/* Returns 1 when the line is done, 0 to go on, -1 for Ctrl-C, -2 for end of file. */
static int edit(struct line *l, int c)
{
    switch (c) {
    case '\r':
    case '\n': return 1;
    case CTRL('C'): return -1;
    case CTRL('D'):
        if (l->size == 0)
            return -2;
        /* fall through */
    case DELETE: erase(l, l->at, right_of(l, l->at)); break;
    case 127:
    case CTRL('H'): erase(l, left_of(l, l->at), l->at); break;
    case CTRL('U'): erase(l, 0, l->at); break;
    case CTRL('K'): l->size = l->at; break;
    case CTRL('W'): erase(l, word_left(l), l->at); break;
    case CTRL('L'): write_all(2, "\033[H\033[2J", 7); break;
    case CTRL('A'):
    case HOME: l->at = 0; break;
    case CTRL('E'):
    case END: l->at = l->size; break;
    case CTRL('B'):
    case LEFT: l->at = left_of(l, l->at); break;
    case CTRL('F'):
    case RIGHT: l->at = right_of(l, l->at); break;
    case CTRL('P'):
    case UP: recall(l, 1); break;
    case CTRL('N'):
    case DOWN: recall(l, -1); break;
    case '\t': complete(l); break;
    default:
        if (c >= 32 && c < 256)
            insert(l, &(char){(char)c}, 1);
    }
    return 0;
}

char *edit_line(const char *prompt)
{
    struct termios old, raw;
    static struct line l;
    memset(&l, 0, sizeof l);
    l.prompt = prompt;
    if (tcgetattr(0, &old) < 0)
        return NULL;
    raw = old;
    raw.c_lflag &= ~(ICANON | ECHO | ISIG | IEXTEN);
    raw.c_iflag &= ~(ICRNL | INLCR | IXON);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    tcsetattr(0, TCSADRAIN, &raw);
    draw(&l);
    int done = 0;
    while (!done) {
        int c = key();
        if (c < 0) {
            done = errno == EINTR ? 0 : -2;
            continue;
        }
        bool appends = c >= 32 && c < 127 && l.at == l.size;
        done = edit(&l, c == 27 ? escape_sequence() : c);
        if (appends && width(prompt, strlen(prompt)) + width(l.text, l.size) < (size_t)terminal_width())
            write_all(2, &l.text[l.size - 1], 1); /* the common case: no need to draw it all */
        else if (!done)
            draw(&l);
    }
    l.at = l.size;
    if (done == 1)
        draw(&l);
    tcsetattr(0, TCSADRAIN, &old);
    write_all(2, done == -1 ? "^C\n" : "\n", done == -1 ? 3 : 1);
    if (done < 0) {
        errno = done == -1 ? EINTR : 0;
        return NULL;
    }
    l.text[l.size++] = '\n';
    return strndup(l.text, l.size);
}
